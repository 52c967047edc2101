import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

// Entries that wait for a place while a log's sequencer cannot go on.
const POOL_MAX = 100_000;

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const pay = (caller: Caller) =>
  caller.call("POST", "/v1/risk/transactions", payment(), { prefer: "wait=durable" });

test("a log that is too far behind refuses more, other projects go on, and what was taken gets its place", async () => {
  const [behind, other] = [await system.project(), await system.project()];
  const holder = new pg.Client({ ...inject("engine").admin, database: await databaseOf(system) });
  await holder.connect();
  await holder.query("begin");
  await holder.query("select from ledger.heads where tenant_id = $1 for update", [
    behind.projectId,
  ]);
  const taken = await pay(behind);
  expect(taken.status).toBe(201);
  await system.sql(
    `insert into ledger.pending (tenant_id, id, entry)
     select $1, gen_random_uuid(), convert_to('entry ' || n, 'UTF8') from generate_series(1, ${POOL_MAX - 1}) n`,
    [behind.projectId],
  );
  await expect
    .poll(() => pay(behind), { timeout: 20_000 })
    .toMatchObject({
      status: 503,
      body: { code: "seal/pool_full", facts: { pending: POOL_MAX } },
    });
  expect((await pay(other)).status).toBe(201);

  await holder.query("rollback");
  await holder.end();
  await expect.poll(async () => (await pay(behind)).status, { timeout: 20_000 }).toBe(201);
  const entries = await system.sql<{ id: string }>(
    "select id from ledger.entries where tenant_id = $1",
    [behind.projectId],
  );
  expect(entries.map(({ id }) => id)).toContain(taken.headers["sealbase-call"]);
  expect((await sealedEntries(system, other.projectId)).length).toBe(1);
});

async function databaseOf(of: TestSystem): Promise<string> {
  const [row] = await of.sql<{ name: string }>("select current_database() as name");
  return row!.name;
}
