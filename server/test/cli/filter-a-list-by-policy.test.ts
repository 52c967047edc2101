import { afterAll, beforeAll, expect, test } from "vitest";
import { follow } from "./how-to.ts";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.started();
}, 120_000);
afterAll(() => sealbase?.close());

test("the how-to's commands make the set, the condition and the row policy", async () => {
  const told = await follow(sealbase, "filter-a-list-by-policy");
  expect(told["authz.policy-version.activate"]).toMatchObject([
    { set: "pages", number: 1, status: "active" },
  ]);
  expect(told["authz.resource-filter.compile"]).toMatchObject([
    {
      rows: "some",
      sql: expect.stringMatching(/"p"\."owner_id".*\$3/),
      params: ["ada", ["red"], "ada"],
      policies: [{ id: "no-drafts" }, { id: "owners" }, { id: "teams" }],
    },
  ]);
  const [{ statements }] = told["authz.row-policy.compile"] as [{ statements: string[] }];
  expect(statements.join("\n")).toMatch(/current_setting\('app\.user_id'/);
  expect(told["authz.row-policy.list"]).toMatchObject([{ items: [{ state: "missing" }] }]);
}, 120_000);
