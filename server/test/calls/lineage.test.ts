import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Tx } from "#kernel/db.ts";
// Its own file, not its door: what is looked into here is how PostgreSQL finds a call.
import { readLineage } from "../../src/domains/telemetry/queries.ts";
import { openTestSystem, payment, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

interface Plan {
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly Plans?: readonly Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

test("one call of many is found by its keys, in tables that nobody has analyzed yet, too", async () => {
  const caller = await system.project();
  const body = Array.from({ length: 400 }, (_, i) => payment({ amount_cents: 1_000 + i }));
  const made = await caller.call("POST", "/v1/risk/transactions", body);
  const { id } = made.body.results[200].output;
  const scope = { role: "reader", tenantId: caller.projectId } as const;
  const plan = await system.parts.db.transaction(scope, async (tx) => {
    const explained = {
      executeQuery: ({ sql, parameters }: CompiledQuery) =>
        tx.executeQuery(
          CompiledQuery.raw(`explain (analyze, format json) ${sql}`, [...parameters]),
        ),
    } as unknown as Tx;
    const [row] = (await readLineage(explained, id)) as unknown as [
      { "QUERY PLAN": [{ Plan: Plan }] },
    ];
    return row["QUERY PLAN"][0].Plan;
  });
  expect(plan["Actual Rows"]).toBe(1);
  const rows = nodesOf(plan).map((node) => node["Actual Rows"] * node["Actual Loops"]);
  expect(rows.length).toBeGreaterThan(10);
  // Its steps are the most that one call has.
  expect(Math.max(...rows)).toBeLessThan(40);
});
