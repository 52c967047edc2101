import { afterAll, beforeAll, expect, test } from "vitest";
import { follow } from "./how-to.ts";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.started();
}, 120_000);
afterAll(() => sealbase.close());

test("the how-to's commands take a policy from text to active, and back", async () => {
  const told = await follow(sealbase, "write-a-policy");
  expect(told["authz.policy-text.check"]).toMatchObject([{ valid: true, diagnostics: [] }]);
  expect(told["authz.policy-version.create"]).toMatchObject([
    { number: 2, status: "draft", base: 1 },
  ]);
  expect(told["authz.policy-version.validate"]).toMatchObject([{ valid: true }]);
  expect(told["authz.policy-version.activate"]).toMatchObject([
    { number: 2, status: "active" },
    { number: 1, status: "active" },
  ]);
}, 120_000);
