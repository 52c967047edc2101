import { afterAll, beforeAll, expect, test } from "vitest";
import { HowTo } from "./how-to.ts";

let howTo: HowTo;
beforeAll(async () => {
  howTo = await HowTo.open("write-a-policy.md");
}, 120_000);
afterAll(() => howTo?.sealbase.close());

test("the how-to's commands take a policy from text to active, and back", async () => {
  const told = await howTo.follow();
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
