import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CompactRange,
  decodeEntry,
  ed25519Signer,
  encodeEntry,
  formatNote,
  leafHash,
  parseNote,
  parseVerifierKey,
  signCheckpoint,
  utf8,
} from "#verifier";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

// What somebody who owns the database does beside the entries: to keys, rollovers, checkpoints, tiles, index, openings.
let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  system.work();
});
afterAll(() => system.stop());

async function logOf(count = 5): Promise<Caller> {
  const caller = await system.project();
  const body = Array.from({ length: count }, (_, i) => payment({ amount_cents: 1_000 + i }));
  await caller.call("POST", "/v1/risk/transactions", body[0]);
  await caller.call("POST", "/v1/risk/transactions", body.slice(1));
  await sealedEntries(system, caller.projectId);
  expect(await findings(caller)).toEqual([]);
  return caller;
}

/** A log whose key was replaced once. */
async function rotated(): Promise<Caller> {
  const caller = await logOf();
  const { body } = await caller.call("POST", "/v1/ledger/keys/rotate", {});
  await expect
    .poll(async () => (await caller.call("GET", `/v1/jobs/${body.id}`)).body.status)
    .toBe("done");
  await expect
    .poll(async () => (await caller.call("GET", "/v1/ledger/keys")).body.keys.at(-1).endorsement)
    .not.toBeNull();
  await sealedEntries(system, caller.projectId);
  expect(await findings(caller)).toEqual([]);
  return caller;
}

const verify = (caller: Caller, input: object = {}) =>
  caller.call("POST", "/v1/ledger/verify", input);

async function findings(caller: Caller, input: object = {}): Promise<string[]> {
  const { status, body } = await verify(caller, input);
  expect([status, body.code]).toEqual([200, undefined]);
  const kinds = body.findings.map(({ kind }: { kind: string }) => kind);
  expect(body.valid).toBe(kinds.length === 0);
  return [...new Set<string>(kinds)].toSorted();
}

const run = async (caller: Caller, ...statements: string[]) => {
  for (const text of statements) await system.sql(text, [caller.projectId]);
};

const rangeOf = (entries: readonly Uint8Array[]) => {
  const range = new CompactRange();
  for (const entry of entries) range.append(leafHash(entry));
  return range;
};

/** Rewrites an entry as somebody else's, with a head that fits; the log's entries after that. */
async function rewrite(caller: Caller): Promise<{ entries: Uint8Array[]; origin: string }> {
  const rows = await system.sql<{ entry: Buffer }>(
    "select entry from ledger.entries where tenant_id = $1 order by index",
    [caller.projectId],
  );
  const sealed = decodeEntry(rows[1]!.entry);
  const forged = Buffer.from(utf8(encodeEntry({ ...sealed, time: "2020-01-01T00:00:00.000Z" })));
  const entries = rows.map(({ entry }, i) => (i === 1 ? forged : entry));
  await system.sql("update ledger.entries set entry = $2 where tenant_id = $1 and index = 1", [
    caller.projectId,
    forged,
  ]);
  const range = rangeOf(entries);
  await system.sql("update ledger.heads set hashes = $2 where tenant_id = $1", [
    caller.projectId,
    range.hashes.map((hash) => Buffer.from(hash)),
  ]);
  return { entries, origin: sealed.log };
}

/** Signs every checkpoint anew with a key of one's own; its public half. */
async function resign(
  caller: Caller,
  { entries, origin }: { entries: readonly Uint8Array[]; origin: string },
): Promise<Buffer> {
  const signer = ed25519Signer(origin, new Uint8Array(32).fill(9));
  const sizes = await system.sql<{ size: number }>(
    "select size::int from ledger.checkpoints where tenant_id = $1",
    [caller.projectId],
  );
  for (const { size } of sizes) {
    const root = rangeOf(entries.slice(0, size)).root();
    const note = await signCheckpoint({ origin, size, root }, [signer]);
    await system.sql(
      "update ledger.checkpoints set root = $2, note = $3 where tenant_id = $1 and size = $4",
      [caller.projectId, Buffer.from(root), note, size],
    );
  }
  return Buffer.from(parseVerifierKey(signer.vkey).publicKey);
}

const INSERT_KEY = `insert into security.signing_key_versions (tenant_id, signing_key_id, number, public_key, sealed_private_key, is_current)
  select tenant_id, signing_key_id, 2, $2, sealed_private_key, false from security.signing_key_versions where tenant_id = $1`;

describe("a key of somebody else", () => {
  test("beside the log's own is not believed, and nothing is signed beside it", async () => {
    const caller = await logOf();
    const key = await resign(caller, await rewrite(caller));
    await system.sql(INSERT_KEY, [caller.projectId, key]);
    expect(await findings(caller)).toContain("key_unsealed");
    await refusesToSign(caller);
  });

  test("in place of the log's own is found, and keeps the log from being signed", async () => {
    const caller = await logOf();
    const key = await resign(caller, await rewrite(caller));
    await system.sql(
      "update security.signing_key_versions set public_key = $2 where tenant_id = $1",
      [caller.projectId, key],
    );
    expect(await findings(caller)).toContain("key_exchanged");
    await refusesToSign(caller);
  });

  test("in place of the first of several is not the one that named the next", async () => {
    const caller = await rotated();
    await run(
      caller,
      "update security.signing_key_versions set public_key = sha256('x') where tenant_id = $1 and number = 1",
    );
    expect(await findings(caller)).toContain("key_unsealed");
    await refusesToSign(caller);
  });
});

async function refusesToSign(caller: Caller): Promise<void> {
  const other = await system.another();
  const answer = await other
    .as(caller.key, caller.projectId)
    .call("POST", "/v1/risk/transactions", payment());
  expect(answer.body.code).toBe("seal/wrong_log_key");
  await other.stop();
}

const idAt = (index: number) =>
  `(select id from ledger.entries where tenant_id = $1 and index = ${index})`;

describe("going on from what was signed", () => {
  test("takes the root that was signed, not the column beside it", async () => {
    const caller = await logOf();
    const { entries } = await rewrite(caller);
    await system.sql("update ledger.checkpoints set root = $2 where tenant_id = $1 and size = $3", [
      caller.projectId,
      Buffer.from(rangeOf(entries).root()),
      entries.length,
    ]);
    expect(await findings(caller, { since_size: entries.length })).toEqual([
      "checkpoint_mismatch",
      "history_changed",
    ]);
  });

  test("looks at the checkpoint, and at the sealed head, where it begins", async () => {
    const caller = await logOf();
    await system.sealHeads();
    const { size, root } = (await verify(caller)).body;
    const since = { since_size: size, since_root: root };
    expect(await findings(caller, since)).toEqual([]);
    await run(
      caller,
      `update ledger.checkpoints set note = 'none' where tenant_id = $1 and size = ${size}`,
    );
    expect(await findings(caller, since)).toEqual(["checkpoint_forged"]);
    expect(await findings(caller, { since_size: size })).toEqual(["checkpoint_forged"]);
  });

  test("believes no checkpoint that was signed at another size", async () => {
    const caller = await logOf();
    const { size } = (await verify(caller)).body;
    await run(
      caller,
      `update ledger.checkpoints c set note = (select note from ledger.checkpoints
         where tenant_id = $1 and size < ${size} order by size desc limit 1) where tenant_id = $1 and size = ${size}`,
    );
    expect(await findings(caller, { since_size: size })).toEqual(["checkpoint_mismatch"]);
  });
});

test("a sealed head is looked at where it begins, too, readable or not", async () => {
  for (const payload of ['{"checkpoint":"another"}', "no JSON"]) {
    const caller = await logOf();
    await system.sealHeads();
    const { size, root } = (await verify(caller)).body;
    await system.sql(
      `update ledger.payloads p set payload = $2 from ledger.root_heads r
       where p.tenant_id = r.tenant_id and p.entry_id = r.entry_id and r.log_id = $1`,
      [caller.projectId, payload],
    );
    const since = { since_size: size, since_root: root };
    expect([payload, await findings(caller, since)]).toEqual([payload, ["root_mismatch"]]);
  }
});

describe("verification finds, and does not fail over,", () => {
  test.each<[string, () => Promise<Caller>, string[], string[]]>([
    [
      "features that are no JSON",
      logOf,
      [`update vedic.fraud_scores set features = 'x' where tenant_id = $1 and id = ${idAt(2)}`],
      ["score_changed"],
    ],
    [
      "a rollover to what is no key",
      logOf,
      [
        `insert into ledger.key_rollovers (tenant_id, number, previous_key, next_key, entry_id) select $1, 2, 'a', 'b', ${idAt(2)}`,
      ],
      ["rollover_changed"],
    ],
    [
      "a rollover that is gone",
      rotated,
      ["delete from ledger.key_rollovers where tenant_id = $1"],
      ["rollover_changed"],
    ],
    [
      "a rollover of another number",
      rotated,
      ["update ledger.key_rollovers set number = 9 where tenant_id = $1"],
      ["rollover_changed"],
    ],
    [
      "a rollover's entry that names no key, and has no row",
      rotated,
      [
        `update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), '"next_key":"', '"next_key":"x'), 'UTF8')
         where tenant_id = $1 and id in (select entry_id from ledger.key_rollovers where tenant_id = $1)`,
        "delete from ledger.key_rollovers where tenant_id = $1",
      ],
      ["checkpoint_mismatch", "head_mismatch", "key_unsealed", "rollover_changed"],
    ],
    [
      "a rollover's entry that is none",
      rotated,
      [
        `update ledger.entries set entry = 'nothing'
         where tenant_id = $1 and id in (select entry_id from ledger.key_rollovers where tenant_id = $1)`,
      ],
      [
        "checkpoint_mismatch",
        "entry_malformed",
        "head_mismatch",
        "key_unsealed",
        "rollover_changed",
      ],
    ],
    [
      "a payload that is no JSON",
      logOf,
      [`update ledger.payloads set payload = 'x' where tenant_id = $1 and entry_id = ${idAt(2)}`],
      ["payload_changed"],
    ],
    [
      "an empty log's checkpoint that nobody signed",
      logOf,
      [
        "delete from ledger.checkpoints where tenant_id = $1 and size = 0",
        "insert into ledger.checkpoints (tenant_id, size, root, note) values ($1, 0, sha256(''), 'none')",
      ],
      ["checkpoint_forged"],
    ],
    [
      "a tile above the log's end",
      logOf,
      [
        "insert into ledger.tiles (tenant_id, level, index, hashes, root) select $1, 0, 0, string_agg(sha256(g::text::bytea), ''), sha256('x') from generate_series(1, 256) g",
      ],
      ["tile_changed"],
    ],
    [
      "an opening that no call made",
      logOf,
      ["insert into ledger.openings (tenant_id, readers) values ($1, 'entries')"],
      ["opening_unsealed"],
    ],
  ])("%s", async (_, made, statements, kinds) => {
    const caller = await made();
    await run(caller, ...statements);
    // The root log may have sealed the log's head meanwhile, which then is another one.
    const found = (await findings(caller)).filter((kind) => kind !== "root_mismatch");
    expect(found).toEqual(kinds);
  });
});

describe("the checkpoint by which the key before hands over", () => {
  /** A log whose key was replaced, its next key's checkpoint after that, and where the keys changed. */
  async function handedOver() {
    const caller = await rotated();
    await caller.call("POST", "/v1/risk/transactions", payment());
    await sealedEntries(system, caller.projectId);
    const [row] = await system.sql<{ size: number; note: string; later: string }>(
      `with covering as (select c.size, c.note from ledger.checkpoints c join ledger.key_rollovers r using (tenant_id)
         join ledger.entries e on e.tenant_id = r.tenant_id and e.id = r.entry_id
         where c.tenant_id = $1 and c.size > e.index order by c.size)
       select size::int, note, (select note from covering offset 1 limit 1) as later from covering limit 1`,
      [caller.projectId],
    );
    const { size, root } = (await verify(caller)).body;
    return { caller, ...row!, since: { since_size: size, since_root: root } };
  }
  type HandedOver = Awaited<ReturnType<typeof handedOver>>;

  test.each<[string, (log: HandedOver) => Promise<unknown>]>([
    [
      "gone",
      ({ caller, size }) =>
        system.sql("delete from ledger.checkpoints where tenant_id = $1 and size = $2", [
          caller.projectId,
          size,
        ]),
    ],
    [
      "without that key's signature",
      async ({ caller, size, note, later }) => {
        const { text, signatures } = parseNote(note);
        const next = parseNote(later).signatures.map(({ keyId }) => keyId);
        const left = signatures.filter(({ keyId }) => next.includes(keyId));
        expect([signatures.length, left.length]).toEqual([2, 1]);
        await system.sql(
          "update ledger.checkpoints set note = $3 where tenant_id = $1 and size = $2",
          [caller.projectId, size, formatNote({ text, signatures: left })],
        );
      },
    ],
    [
      "exchanged for what that key signed before",
      ({ caller, size }) =>
        system.sql(
          `update ledger.checkpoints set note = (select note from ledger.checkpoints
             where tenant_id = $1 and size < $2 order by size desc limit 1) where tenant_id = $1 and size = $2`,
          [caller.projectId, size],
        ),
    ],
  ])("%s: that is found, also where verification goes on from later", async (_, tamper) => {
    const log = await handedOver();
    expect(await findings(log.caller, log.since)).toEqual([]);
    await tamper(log);
    expect(await findings(log.caller)).toContain("rollover_unendorsed");
    expect(await findings(log.caller, log.since)).toEqual(["rollover_unendorsed"]);
  });
});

test("a rollover that nobody sealed stops no checkpoint", async () => {
  const caller = await logOf();
  const [{ key }] = (await caller.call("GET", "/v1/ledger/keys")).body.keys;
  await system.sql(
    `insert into ledger.key_rollovers (tenant_id, number, previous_key, next_key, entry_id) select $1, 9, $2, 'x', ${idAt(2)}`,
    [caller.projectId, key],
  );
  const { body } = await caller.call("POST", "/v1/risk/transactions", payment());
  const other = await system.another();
  const answer = await other
    .as(caller.key, caller.projectId)
    .call("POST", "/v1/risk/transactions", payment());
  expect([body.code, answer.body.code]).toEqual([undefined, undefined]);
  const [row] = await system.sql(
    `select h.size = (select max(c.size) from ledger.checkpoints c where c.tenant_id = h.tenant_id) as covered
     from ledger.heads h where h.tenant_id = $1`,
    [caller.projectId],
  );
  expect(row).toEqual({ covered: true });
  await other.stop();
});

/** What leaves an entry of each kind, and somebody's edit of it while it waits for its place. */
const pay = (caller: Caller) =>
  caller.call("POST", "/v1/risk/transactions", payment(), { prefer: "wait=durable" });
async function forge({ key }: Caller): Promise<void> {
  await system.as(`${key.slice(0, -2)}${key.endsWith("AA") ? "BB" : "AA"}`).call("GET", "/v1/me");
  await system.parts.suspicions.flush();
}
async function read(caller: Caller): Promise<void> {
  await caller.call("GET", "/v1/me");
  await system.parts.reads.flush(true);
}

test.each<[string, (caller: Caller) => Promise<unknown>, string, string]>([
  ["the actor of a call", pay, `"actor":"ServiceAccount:`, `"actor":"User:`],
  ["its action", pay, `"action":"risk.transaction.assess"`, `"action":"control-plane.me.get"`],
  ["its outcome", pay, `"outcome":"done"`, `"outcome":"refused"`],
  ["its kind", pay, `"kind":"call"`, `"kind":"refusal"`],
  ["the actor of an event", forge, `"actor":"`, `"actor":"User:`],
  ["an event that became a call", forge, `"kind":"event"`, `"kind":"call"`],
  ["reads that became a call", read, `"kind":"reads"`, `"kind":"call"`],
])(
  "what an entry said before it got its place is compared with its payload: %s",
  async (_, act, from, to) => {
    const caller = await logOf();
    await system.parts.reads.flush(true);
    await sealedEntries(system, caller.projectId);
    const holder = new pg.Client(system.server);
    await holder.connect();
    await holder.query("begin; set local role sealbase_writer");
    await holder.query("select set_config('app.tenant_id', $1, true)", [caller.projectId]);
    await holder.query("select from ledger.heads for update");
    await act(caller);
    const edited = await system.sql(
      `update ledger.pending set entry = convert_to(replace(convert_from(entry, 'UTF8'), $2, $3), 'UTF8')
     where tenant_id = $1 and position($2 in convert_from(entry, 'UTF8')) > 0 returning id`,
      [caller.projectId, from, to],
    );
    expect(edited).toHaveLength(1);
    await holder.end();
    await sealedEntries(system, caller.projectId);
    expect(await findings(caller)).toEqual(["entry_changed"]);
  },
);

describe("the root log", () => {
  test("that lost a payload frames no log, and is found itself", async () => {
    const caller = await logOf();
    await system.sealHeads();
    await run(
      caller,
      `delete from ledger.payloads p using ledger.root_heads r
       where r.log_id = $1 and p.tenant_id = r.tenant_id and p.entry_id = r.entry_id`,
    );
    expect(await findings(caller)).toEqual([]);
    expect((await caller.call("GET", "/v1/ledger/root-seal")).body.code).toBe(
      "action/payload_missing",
    );
    expect(await findings(caller, { log: "root" })).toContain("payload_missing");
  });

  test.each([
    "update ledger.root_heads set size = 4 where log_id = $1",
    "delete from ledger.root_heads where log_id = $1",
    "insert into ledger.root_heads (tenant_id, log_id, size, entry_id) select tenant_id, log_id, 2, gen_random_uuid() from ledger.root_heads where log_id = $1",
    "insert into ledger.root_heads (tenant_id, log_id, size, entry_id) select tenant_id, log_id, 2, entry_id from ledger.root_heads where log_id = $1",
  ])("has one row for each head that it sealed: %s", async (statement) => {
    const own = await openTestSystem();
    try {
      await own.home.call("POST", "/v1/risk/transactions", [payment(), payment(), payment()]);
      await own.sealHeads();
      expect(await findings(own.home, { log: "root" })).toEqual([]);
      await own.sql(statement, [own.home.projectId]);
      expect(await findings(own.home, { log: "root" })).toEqual(["root_head_changed"]);
    } finally {
      await own.stop();
    }
  });
});

test("terms of the index that are gone are found in steps, too", async () => {
  const caller = await logOf();
  await expect
    .poll(async () =>
      Number(
        (
          await system.sql<{ size: string }>(
            "select coalesce(max(size), 0) as size from ledger.indexed where tenant_id = $1",
            [caller.projectId],
          )
        )[0]!.size,
      ),
    )
    .toBeGreaterThanOrEqual(5);
  const step = (await verify(caller, { entries_max: 2 })).body;
  const since = { since_size: step.size, since_root: step.root };
  expect(await findings(caller, since)).toEqual([]);
  await run(caller, "delete from ledger.entry_terms where tenant_id = $1");
  expect(await findings(caller, { entries_max: 2 })).toEqual(["index_missing"]);
  expect(await findings(caller, since)).toEqual(["index_missing"]);
});
