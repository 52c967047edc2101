import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CompactRange,
  consistencyProof,
  decodeEntry,
  ed25519Signer,
  encodeEntry,
  type HashAt,
  leafHash,
  payloadHash,
  signCheckpoint,
  utf8,
  verifyGrowth,
} from "#verifier";
// Its own files, not its door: its indexer is stopped.
import type { OpenLedger } from "../../src/domains/ledger/ledger.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

/** Long enough for a full tile of 256 hashes and some more. */
const LONG = 300;

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  // What is put back here is the log: an index that was made meanwhile would say that there was more.
  await (system.parts.ledger as OpenLedger).indexer.stop();
});
afterAll(() => system.stop());

/** A project whose log has `count` payments, each with a decision and a score. */
async function logOf(count = 5): Promise<Caller> {
  const caller = await system.project();
  const body = Array.from({ length: count }, (_, i) => payment({ amount_cents: 1_000 + i }));
  // The first alone, so that there is more than one checkpoint.
  await caller.call("POST", "/v1/risk/transactions", body[0]);
  const { body: rest } = await caller.call("POST", "/v1/risk/transactions", body.slice(1));
  expect(rest.results.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
  expect(await findings(caller)).toEqual([]);
  return caller;
}

async function findings(caller: Caller): Promise<string[]> {
  const { body } = await caller.call("POST", "/v1/ledger/verify");
  const kinds = body.findings.map(({ kind }: { kind: string }) => kind);
  expect(body.valid).toBe(kinds.length === 0);
  return kinds;
}

/** SQL of someone who owns the database; `$1` is the project. */
const run = (caller: Caller, ...statements: string[]) =>
  statements.reduce<Promise<unknown>>(
    (before, text) => before.then(() => system.sql(text, [caller.projectId])),
    Promise.resolve(),
  );

const idAt = (index: number) =>
  `(select id from ledger.entries e where e.tenant_id = $1 and e.index = ${index})`;
const replaced = (column: string, from: string, to: string) =>
  `convert_to(replace(convert_from(${column}, 'UTF8'), '${from}', '${to}'), 'UTF8')`;

describe("verification finds", () => {
  test.each<[string, string[], string[], number?]>([
    [
      "an edited payload",
      [
        `update ledger.payloads set payload = replace(payload, '"amount_cents":1002', '"amount_cents":9') where tenant_id = $1 and entry_id = ${idAt(2)}`,
      ],
      ["payload_changed"],
    ],
    [
      "an edited salt",
      [
        `update ledger.payloads set salt = sha256('x') where tenant_id = $1 and entry_id = ${idAt(2)}`,
      ],
      ["payload_changed"],
    ],
    [
      "a payload that is gone",
      [`delete from ledger.payloads where tenant_id = $1 and entry_id = ${idAt(2)}`],
      ["payload_missing"],
    ],
    [
      "an edited entry",
      [
        `update ledger.entries set entry = ${replaced("entry", "risk.transaction.assess", "risk.transaction.assesd")} where tenant_id = $1 and index = 2`,
      ],
      ["entry_changed", "checkpoint_mismatch", "head_mismatch"],
    ],
    [
      "an entry that is none",
      ["update ledger.entries set entry = 'nothing' where tenant_id = $1 and index = 2"],
      ["entry_malformed", "checkpoint_mismatch", "head_mismatch"],
    ],
    [
      "two rows that changed places",
      [
        "update ledger.entries set index = case index when 2 then 103 else 102 end where tenant_id = $1 and index in (2, 3)",
        "update ledger.entries set index = index - 100 where tenant_id = $1 and index > 100",
      ],
      ["checkpoint_mismatch", "head_mismatch"],
    ],
    [
      "two ids that changed places",
      [
        `with pair as (select index, id from ledger.entries where tenant_id = $1 and index in (2, 3)),
             gone as (delete from ledger.entries where tenant_id = $1 and index in (2, 3) returning *)
        select set_config('test.pair', (select json_agg(json_build_object('i', 5 - index, 'id', id, 'entry', encode((select entry from gone g where g.index = 5 - pair.index), 'hex')))::text from pair), false)`,
        `insert into ledger.entries (tenant_id, index, id, entry) select $1, i, id, decode(entry, 'hex')
          from json_to_recordset(current_setting('test.pair')::json) as r(i int8, id uuid, entry text)`,
      ],
      ["payload_changed", "payload_changed"],
    ],
    [
      "a deleted row in the middle",
      ["delete from ledger.entries where tenant_id = $1 and index = 2"],
      ["entry_missing", "head_mismatch", "truncated", "entry_lost"],
    ],
    [
      "a tail of entries that is gone",
      ["delete from ledger.entries where tenant_id = $1 and index >= 3"],
      ["head_mismatch", "truncated", "entry_lost", "entry_lost"],
    ],
    [
      "an edited head",
      ["update ledger.heads set size = size - 1 where tenant_id = $1"],
      ["head_mismatch"],
    ],
    [
      "a changed decision",
      [
        `update authz.policy_decisions set outcome = 'deny' where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["decision_changed"],
    ],
    [
      "a decision by other policies",
      [
        `update authz.policy_decisions set reasons = '{other}' where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["decision_changed"],
    ],
    [
      "a decision about somebody else",
      [
        `update authz.policy_decisions set principal = 'ServiceAccount:other' where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["decision_changed"],
    ],
    [
      "a decision about something else",
      [
        `update authz.policy_decisions set resource_id = 'other' where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["decision_changed"],
    ],
    [
      "a decision in another context",
      [`update authz.policy_decisions set context = '{}' where tenant_id = $1 and id = ${idAt(2)}`],
      ["decision_changed"],
    ],
    [
      "a changed step of a decision",
      [
        `update authz.policy_decision_trace_steps set outcome = 'allow' where tenant_id = $1 and decision_id = ${idAt(2)} and number = 1`,
      ],
      ["decision_changed"],
    ],
    [
      "a changed condition of a step",
      [
        `update authz.policy_decision_trace_steps set conditions = replace(conditions, '"holds":false', '"holds":true') where tenant_id = $1 and decision_id = ${idAt(2)} and number = 1`,
      ],
      ["decision_changed"],
    ],
    [
      "a step that is gone",
      [
        `delete from authz.policy_decision_trace_steps where tenant_id = $1 and decision_id = ${idAt(2)} and number = 2`,
      ],
      ["decision_changed"],
    ],
    [
      "a deleted decision",
      [`delete from authz.policy_decisions where tenant_id = $1 and id = ${idAt(2)}`],
      ["decision_changed"],
    ],
    [
      "a changed score",
      [`update vedic.fraud_scores set score = 0 where tenant_id = $1 and id = ${idAt(2)}`],
      ["score_changed"],
    ],
    [
      "a changed level",
      [`update vedic.fraud_scores set level = 'HIGH' where tenant_id = $1 and id = ${idAt(2)}`],
      ["score_changed"],
    ],
    [
      "changed features",
      [
        `update vedic.fraud_scores set features = replace(features, '1002', '1003') where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["score_changed"],
    ],
    [
      "a deleted score",
      [`delete from vedic.fraud_scores where tenant_id = $1 and id = ${idAt(2)}`],
      ["score_changed"],
    ],
    [
      "a changed tile",
      [
        "update ledger.tiles set hashes = set_byte(hashes, 9, get_byte(hashes, 9) # 1) where tenant_id = $1",
      ],
      ["tile_changed"],
      LONG,
    ],
    ["a deleted tile", ["delete from ledger.tiles where tenant_id = $1"], ["tile_changed"], LONG],
    [
      "a changed checkpoint",
      [
        "update ledger.checkpoints set root = sha256('x') where tenant_id = $1 and size = (select max(size) from ledger.checkpoints where tenant_id = $1)",
      ],
      ["checkpoint_mismatch"],
    ],
    [
      "a checkpoint of another log",
      [
        `update ledger.checkpoints set note = replace(note, 'sealbase.test', 'elsewhere.test') where tenant_id = $1 and size = (select max(size) from ledger.checkpoints where tenant_id = $1)`,
      ],
      ["checkpoint_forged"],
    ],
  ])("%s", async (_, statements, wanted, count) => {
    const caller = await logOf(count);
    await run(caller, ...statements);
    expect((await findings(caller)).sort()).toEqual(wanted.sort());
  });
});

test("an empty, freshly made log verifies", async () => {
  const caller = await system.project();
  expect((await caller.call("POST", "/v1/ledger/verify")).body).toMatchObject({
    valid: true,
    entries: 0,
    findings: [],
  });
});

test.for([
  ["policies", "update authz.policy_versions set document = document || ' ' where tenant_id = $1"],
  [
    "what a decision knew",
    "update authz.entity_slices set slice = slice || ' ' where tenant_id = $1",
  ],
])("an edit of %s shows in every decision that was made with it", async ([, edit]) => {
  const caller = await logOf(3);
  await run(caller, edit!);
  expect(new Set(await findings(caller))).toEqual(new Set(["decision_changed"]));
});

test("a changed digest of reads is found", async () => {
  const caller = await system.project();
  await caller.call("GET", "/v1/me");
  await system.parts.reads.flush(true);
  await sealedEntries(system, caller.projectId);
  expect(await findings(caller)).toEqual([]);
  await run(
    caller,
    "update authz.policy_decisions set trace_hash = sha256('x') where tenant_id = $1 and operation = 'control-plane.me.get'",
  );
  expect(await findings(caller)).toEqual(["reads_changed"]);
});

interface Row {
  readonly index: number;
  readonly id: string;
  readonly entry: Buffer;
}
const rowsOf = async ({ projectId }: Caller): Promise<Row[]> =>
  await system.sql<Row>(
    "select index::int, id, entry from ledger.entries where tenant_id = $1 order by index",
    [projectId],
  );

const rangeOf = (entries: readonly Uint8Array[]): CompactRange => {
  const range = new CompactRange();
  for (const entry of entries) range.append(leafHash(entry));
  return range;
};

const setHead = (caller: Caller, { size, hashes }: CompactRange) =>
  system.sql("update ledger.heads set size = $2, hashes = $3 where tenant_id = $1", [
    caller.projectId,
    size,
    hashes.map((hash) => Buffer.from(hash)),
  ]);

/** Rewrites entry 1 and everything that follows from it, as its owner could without the signing key. */
async function rechain(caller: Caller): Promise<{ origin: string; entries: Uint8Array[] }> {
  const { projectId } = caller;
  const rows = await rowsOf(caller);
  const [kept] = await system.sql<{ salt: Buffer; payload: string }>(
    "select salt, payload from ledger.payloads where tenant_id = $1 and entry_id = $2",
    [projectId, rows[1]!.id],
  );
  const payload = kept!.payload.replace('"amount_cents":1001', '"amount_cents":1');
  const forged = utf8(
    encodeEntry({ ...decodeEntry(rows[1]!.entry), payload_hash: payloadHash(kept!.salt, payload) }),
  );
  const entries = rows.map(({ entry }, i) => (i === 1 ? forged : entry));
  await system.sql(
    "update ledger.payloads set payload = $3 where tenant_id = $1 and entry_id = $2",
    [projectId, rows[1]!.id, payload],
  );
  await system.sql("update ledger.entries set entry = $2 where tenant_id = $1 and index = 1", [
    projectId,
    Buffer.from(forged),
  ]);
  await setHead(caller, rangeOf(entries));
  return { origin: decodeEntry(rows[0]!.entry).log, entries };
}

describe("a log that was written anew from its beginning", () => {
  test("does not lead to the checkpoints that were signed", async () => {
    const caller = await logOf();
    await rechain(caller);
    expect(await findings(caller)).toEqual(["checkpoint_mismatch", "checkpoint_mismatch"]);
  });

  test("does not, with the checkpoints' roots changed as well", async () => {
    const caller = await logOf();
    const { entries } = await rechain(caller);
    await system.sql("update ledger.checkpoints set root = $2 where tenant_id = $1 and size = $3", [
      caller.projectId,
      Buffer.from(rangeOf(entries).root()),
      entries.length,
    ]);
    expect(await findings(caller)).toEqual(["checkpoint_mismatch", "checkpoint_mismatch"]);
  });

  test("cannot be signed with another key", async () => {
    const caller = await logOf();
    const { origin, entries } = await rechain(caller);
    const root = rangeOf(entries).root();
    const note = await signCheckpoint({ origin, size: entries.length, root }, [
      ed25519Signer(origin, new Uint8Array(32)),
    ]);
    await system.sql(
      "update ledger.checkpoints set root = $2, note = $3 where tenant_id = $1 and size = $4",
      [caller.projectId, Buffer.from(root), note, entries.length],
    );
    expect(await findings(caller)).toEqual(["checkpoint_mismatch", "checkpoint_forged"]);
  });

  test("is not extended by a system that starts on it", async () => {
    const caller = await logOf();
    await rechain(caller);
    const other = await system.another();
    const answer = await other.as(caller.key).call("POST", "/v1/risk/transactions", payment());
    expect([answer.status, answer.body.code]).toEqual([503, "seal/log_inconsistent"]);
    await other.stop();
  });
});

/** Puts the log back to its first three entries, as an old backup would, and keeps what was published. */
async function restore(caller: Caller): Promise<void> {
  const rows = await rowsOf(caller);
  await setHead(caller, rangeOf(rows.slice(0, 3).map(({ entry }) => entry)));
  const lost = "(select id from ledger.entries where tenant_id = $1 and index >= 3)";
  await run(
    caller,
    `delete from ledger.payloads where tenant_id = $1 and entry_id in ${lost}`,
    `delete from authz.policy_decisions where tenant_id = $1 and id in ${lost}`,
    `delete from telemetry.event_links where tenant_id = $1 and entry_id in ${lost}`,
    `delete from vedic.transactions where tenant_id = $1 and id in ${lost}`,
    `delete from vedic.transaction_features where tenant_id = $1 and transaction_id in ${lost}`,
    `delete from vedic.fraud_scores where tenant_id = $1 and id in ${lost}`,
    "delete from ledger.entries where tenant_id = $1 and index >= 3",
  );
}

describe("an old backup", () => {
  test("is found by its newer checkpoint, and no system signs it", async () => {
    const caller = await logOf();
    await restore(caller);
    expect(await findings(caller)).toEqual(["truncated"]);
    const newest = () =>
      system.sql(
        "select max(size) as size, count(*) from ledger.checkpoints where tenant_id = $1",
        [caller.projectId],
      );
    const before = await newest();

    const other = await system.another();
    // Logs that other tests broke degrade it as well, and may be met first.
    const restored = expect.stringContaining(`log/${caller.projectId}: seal/log_restored`);
    const reasons = expect.arrayContaining([restored]);
    await expect
      .poll(() => other.home.call("GET", "/readyz"), { timeout: 5_000 })
      .toMatchObject({ status: 200, body: { state: "degraded", reasons } });
    const answer = await other.as(caller.key).call("POST", "/v1/risk/transactions", payment());
    expect([answer.status, answer.body.code, answer.body.facts]).toEqual([
      503,
      "seal/log_restored",
      expect.objectContaining({ published_size: 5, stored_size: 3 }),
    ]);
    expect(await newest()).toEqual(before);
    expect((await other.home.call("POST", "/v1/risk/transactions", payment())).status).toBe(201);
    await other.stop();
  });

  test("without its checkpoints is only known by who kept one, and by the payloads and rows that stayed", async () => {
    const caller = await logOf();
    const kept = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
    const rows = await rowsOf(caller);
    await setHead(caller, rangeOf(rows.slice(0, 3).map(({ entry }) => entry)));
    await run(
      caller,
      "delete from ledger.entries where tenant_id = $1 and index >= 3",
      "delete from ledger.checkpoints where tenant_id = $1 and size > 3",
    );
    expect(await findings(caller)).toEqual(["entry_lost", "entry_lost"]);
    await run(
      caller,
      "delete from ledger.payloads p where tenant_id = $1 and not exists (select from ledger.entries e where e.tenant_id = $1 and e.id = p.entry_id)",
    );
    expect(new Set(await findings(caller))).toEqual(new Set(["row_unsealed"]));
    const lost =
      "tenant_id = $1 and not exists (select from ledger.entries e where e.tenant_id = $1 and e.id =";
    await run(
      caller,
      `delete from telemetry.event_links where outcome <> 'read' and ${lost} entry_id)`,
      `delete from vedic.transactions where ${lost} transactions.id)`,
      `delete from vedic.transaction_features where ${lost} transaction_id)`,
      `delete from vedic.fraud_scores where ${lost} fraud_scores.id)`,
    );
    expect(await findings(caller)).toEqual([]);
    const other = await system.another();
    const answer = await other.as(caller.key).call("POST", "/v1/risk/transactions", payment());
    expect(answer.status).toBe(201);
    const now = (await other.as(caller.key).call("GET", "/v1/ledger/checkpoint")).body;
    expect(now.size).toBeLessThan(kept.size);
    await other.stop();
  });
});

test("two readers who were shown two logs of one name find out when they compare", async () => {
  const caller = await logOf();
  const older = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
  const first = await fork(caller, "A");
  const rows = (await rowsOf(caller)).slice(0, 5);
  await setHead(caller, rangeOf(rows.map(({ entry }) => entry)));
  await run(
    caller,
    "delete from ledger.entries where tenant_id = $1 and index >= 5",
    "delete from ledger.checkpoints where tenant_id = $1 and size > 5",
  );
  const second = await fork(caller, "B");

  const { keys } = older;
  for (const { checkpoint, entries } of [first, second]) {
    const proof = await consistencyProof(5, entries.length, hashesOf(entries));
    expect(verifyGrowth({ older: older.checkpoint, newer: checkpoint, proof }, keys)).toMatchObject(
      { ok: true },
    );
  }
  expect([first.entries.length, second.entries.length]).toEqual([6, 7]);
  for (const entries of [first.entries, second.entries]) {
    const proof = await consistencyProof(
      6,
      7,
      hashesOf(entries.length === 7 ? entries : [...entries, entries[0]!]),
    );
    expect(
      verifyGrowth({ older: first.checkpoint, newer: second.checkpoint, proof }, keys),
    ).toMatchObject({
      ok: false,
      code: "verify/consistency-wrong",
    });
  }
});

/** Continues the log in a system of its own, and returns what its readers are shown. */
async function fork(caller: Caller, account: "A" | "B") {
  const other = await system.another();
  const way = other.as(caller.key, caller.projectId);
  for (let i = 0; i < (account === "A" ? 1 : 2); i++)
    await way.call("POST", "/v1/risk/transactions", payment({ origin_account: account }));
  const { checkpoint, size } = (await way.call("GET", "/v1/ledger/checkpoint")).body as {
    checkpoint: string;
    size: number;
  };
  await other.stop();
  return { checkpoint, entries: (await rowsOf(caller)).slice(0, size).map(({ entry }) => entry) };
}

const hashesOf =
  (entries: readonly Uint8Array[]): HashAt =>
  (level, index) =>
    rangeOf(entries.slice(index * 2 ** level, (index + 1) * 2 ** level)).root();
