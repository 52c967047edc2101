import { afterAll, beforeAll, expect, test } from "vitest";
import { follow } from "./how-to.ts";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.started();
}, 120_000);
afterAll(() => sealbase.close());

test("after the how-to before it, the how-to's commands simulate, preview and activate a change, take it back, and replay", async () => {
  // Who reads on comes from there, and has a version 2 that is another one.
  await follow(sealbase, "write-a-policy");
  const told = await follow(sealbase, "change-a-policy-safely");
  expect(told["authz.policy.simulate"]).toMatchObject([
    { answers: [{ outcome: "allow" }, { outcome: "deny", reasons: ["small-payments"] }] },
  ]);
  const [items] = told["authz.policy-version.preview"] as [{ summary: unknown }[]];
  // The first start of a server seeds payments, too.
  expect(items.at(-1)!.summary).toMatchObject({
    counts: { newly_denied: expect.any(Number), newly_allowed: 0, refused: 0, errors: 0 },
    lost_permissions: { permissions: [{ action: "risk.transaction.assess" }], left_out: 0 },
    complete: true,
  });
  expect(told["node"]).toMatchObject([
    { text: expect.stringMatching(/version: 3,[^]*action: 'risk\.transaction\.assess'/) },
  ]);
  expect(told["authz.policy-version.activate"]).toMatchObject([
    { number: 3, status: "active", preview_id: expect.any(String) },
    { number: 1, status: "active", preview_id: null },
  ]);
  expect(told["authz.decision-replay.start"]).toMatchObject([{ topic: "authz.replay" }]);
  expect(told["authz.replay-disagreement.list"]).toBeUndefined();
}, 120_000);
