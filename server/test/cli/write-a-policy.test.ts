import { afterAll, beforeAll, expect, test } from "vitest";
import { follow } from "./how-to.ts";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.started();
}, 120_000);
afterAll(() => sealbase.close());

test("the how-to's commands take a policy from text to active, and back; then they decide about pages", async () => {
  const told = await follow(sealbase, "write-a-policy");
  expect(told["node"]).toEqual([{ text: "{ valid: true, diagnostics: [] }" }]);
  expect(told["authz.policy-version.create"]).toMatchObject([
    { set: "default", number: 2, status: "draft", base: 1 },
    { set: "pages", number: 1, status: "draft" },
  ]);
  expect(told["authz.policy-version.validate"]).toMatchObject([{ valid: true }, { valid: true }]);
  expect(told["authz.policy-version.activate"]).toMatchObject([
    { set: "default", number: 2, status: "active" },
    { set: "default", number: 1, status: "active" },
    { set: "pages", number: 1, status: "active" },
  ]);
  expect(told["decide"]).toMatchObject([[{ outcome: "allow", reasons: ["owners"] }]]);
}, 120_000);
