import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HowTo } from "./how-to.ts";

let howTo: HowTo;
beforeAll(async () => {
  howTo = await HowTo.open("write-a-policy.md");
}, 120_000);
afterAll(() => howTo?.sealbase.close());

test("the how-to's commands take a policy from text to active, and back", async () => {
  const told: Record<string, Told[]> = {};
  for (const [, cedar, command] of howTo.text.matchAll(
    /^```cedar\n([^]*?)^```$|^ {4}((?:npx|node) .*)$/gm,
  )) {
    if (cedar !== undefined) appendFileSync(join(howTo.folder, "policies.cedar"), cedar);
    if (command === undefined) continue;
    const { code, out } = await howTo.run(command);
    expect([command, code]).toEqual([command, 0]);
    const called = /sealbase call (\S+)/.exec(command)?.[1];
    if (called !== undefined && out !== "") (told[called] ??= []).push(JSON.parse(out).output);
  }
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

type Told = Readonly<Record<string, unknown>>;
