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
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";
import { tampering } from "../tampering.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  // What is put back here is the log: an index that was made meanwhile would say that there was more.
  await (system.parts.ledger as OpenLedger).indexer.stop();
});
afterAll(() => system.stop());

const { logOf, findings, run } = tampering(() => system);

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
