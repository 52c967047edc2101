import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";
import { tampering } from "../tampering.ts";

// Rows that calls left in the tables of their domains: edited, taken away, or put there by somebody else.
let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const { findings } = tampering(() => system);

const WHOLE = payment({
  external_id: 'ext "1" é',
  type: "TRANSFER",
  amount_cents: 250_000,
  origin_before_cents: 900_000,
  origin_after_cents: 650_001,
  destination_before_cents: 0,
  destination_after_cents: 250_000,
  occurred_at: "2026-11-01T09:30:00.1234567+02:30",
});

/** A project with three payments that were done and one that was refused, at the places 0 to 3. */
async function logOf(): Promise<Caller> {
  const caller = await system.project();
  await caller.call("POST", "/v1/risk/transactions", payment());
  await caller.call("POST", "/v1/risk/transactions", WHOLE);
  await caller.call(
    "POST",
    "/v1/risk/transactions",
    payment({ occurred_at: "2026-01-01T00:00:00Z" }),
  );
  const refused = await caller.call(
    "POST",
    "/v1/risk/transactions",
    payment({
      type: "TRANSFER",
      amount_cents: 900_000_000,
      origin_before_cents: 900_000_000,
      origin_after_cents: 0,
    }),
  );
  expect(refused.body.code).toBe("score/too_risky");
  expect((await sealedEntries(system, caller.projectId)).map(({ outcome }) => outcome)).toEqual([
    "done",
    "done",
    "done",
    "refused",
  ]);
  expect(await findings(caller)).toEqual([]);
  return caller;
}

const idAt = (index: number) =>
  `(select id from ledger.entries e where e.tenant_id = $1 and e.index = ${index})`;

describe("verification finds an edit of", () => {
  const edits: [string, string, string][] = [
    ["transactions", "external_id", "'other'"],
    ["transactions", "external_id", "null"],
    ["transactions", "type", "'DEBIT'"],
    ["transactions", "amount_cents", "amount_cents + 1"],
    ["transactions", "amount_cents", "9223372036854775807"],
    ["transactions", "origin_account", "'M'"],
    ["transactions", "origin_before_cents", "null"],
    ["transactions", "origin_after_cents", "0"],
    ["transactions", "destination_account", "'M'"],
    ["transactions", "destination_before_cents", "1"],
    ["transactions", "destination_after_cents", "1"],
    ["transactions", "occurred_at", "occurred_at + interval '1 microsecond'"],
    ["transactions", "occurred_at", "'infinity'"],
    ["transactions", "created_at", "created_at - interval '1 day'"],
    ["transaction_features", "amount_cents", "1"],
    ["transaction_features", "digital_root", "(digital_root + 1) % 10"],
    ["transaction_features", "is_round_amount", "not is_round_amount"],
    ["transaction_features", "drain_ratio", "drain_ratio + 0.00001"],
    ["transaction_features", "drain_ratio", "null"],
    ["transaction_features", "is_overdrawn", "not is_overdrawn"],
    ["transaction_features", "amount_bucket", "'mega'"],
    ["transaction_features", "type", "'DEBIT'"],
  ];
  test("what a payment was and what was seen in it", async () => {
    const caller = await logOf();
    for (const [table, column, value] of edits) {
      const key = table === "transactions" ? "id" : "transaction_id";
      const where = `tenant_id = $1 and ${key} = ${idAt(1)}`;
      const [before] = await system.sql<{ value: string | null }>(
        `select ${column}::text as value from vedic.${table} where ${where}`,
        [caller.projectId],
      );
      const set = (text: string) =>
        system.sql(`update vedic.${table} set ${column} = ${text} where ${where}`, [
          caller.projectId,
        ]);
      await set(value);
      expect([column, value, await findings(caller)]).toEqual([column, value, ["subject_changed"]]);
      await set(before!.value === null ? "null" : `'${before!.value}'`);
    }
    expect(await findings(caller)).toEqual([]);
  });

  test.each([
    [
      "a value where none was given",
      "update vedic.transactions set occurred_at = now() where tenant_id = $1 and id =",
    ],
    ["a payment that is gone", "delete from vedic.transactions where tenant_id = $1 and id ="],
    [
      "features that are gone",
      "delete from vedic.transaction_features where tenant_id = $1 and transaction_id =",
    ],
  ])("%s", async (_, statement) => {
    const caller = await logOf();
    await system.sql(`${statement} ${idAt(0)}`, [caller.projectId]);
    expect(await findings(caller)).toEqual(["subject_changed"]);
  });

  test.each([
    ["transactions", "id"],
    ["transaction_features", "transaction_id"],
  ])("what was refused, by a row in vedic.%s", async (table, key) => {
    const caller = await logOf();
    await copied(caller, `vedic.${table}`, key, idAt(3));
    expect(await findings(caller)).toEqual(["subject_changed"]);
  });
});

/** Puts a row beside the log: that of the first payment under another id. */
async function copied(
  caller: Caller,
  table: string,
  key: string,
  id: string,
  also = "",
): Promise<void> {
  await system.sql(
    `insert into ${table} select (jsonb_populate_record(r, jsonb_build_object('${key}', ${id}::text${also}))).*
       from ${table} r where tenant_id = $1 and r.${key} = ${idAt(0)}`,
    [caller.projectId],
  );
}

describe("verification finds a row that no entry stands for", () => {
  test.each([
    ["a payment", "vedic.transactions", "id", ""],
    ["features", "vedic.transaction_features", "transaction_id", ""],
    ["a score", "vedic.fraud_scores", "id", ""],
    ["a call", "telemetry.event_links", "decision_id", `, 'entry_id', '${randomUUID()}'`],
    ["a call that names no entry", "telemetry.event_links", "decision_id", ", 'entry_id', null"],
  ])("%s", async (_, table, key, also) => {
    const caller = await logOf();
    await copied(caller, table, key, `'${randomUUID()}'`, also);
    expect(await findings(caller)).toEqual(["row_unsealed"]);
  });

  test("and tells of twenty, however many there are", async () => {
    const caller = await logOf();
    for (let i = 0; i < 25; i++)
      await copied(caller, "vedic.transactions", "id", `'${randomUUID()}'`);
    const { body } = await caller.call("POST", "/v1/ledger/verify");
    expect([body.findings.length, body.more_findings]).toEqual([20, 1]);
  });
});

test("what waits for its place is no finding", async () => {
  const caller = await logOf();
  // Who holds the head keeps every sequencer out.
  const holder = new pg.Client(system.server);
  await holder.connect();
  try {
    await holder.query("begin; set local role sealbase_writer");
    await holder.query("select set_config('app.tenant_id', $1, true)", [caller.projectId]);
    await holder.query("select from ledger.heads for update");
    const body = [payment(), WHOLE];
    await caller.call("POST", "/v1/risk/transactions", body, { prefer: "wait=durable" });
    const [waiting] = await system.sql<{ count: string }>(
      "select count(*) from ledger.pending where tenant_id = $1",
      [caller.projectId],
    );
    expect(waiting?.count).toBe("2");
    expect(await findings(caller)).toEqual([]);
  } finally {
    await holder.end();
  }
});
