import { afterAll, beforeAll, expect, test } from "vitest";
import { follow } from "./how-to.ts";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.started();
}, 120_000);
afterAll(() => sealbase.close());

const call = async (operation: string, input: object) => {
  const { code, out, err } = await sealbase.run(["call", operation, JSON.stringify(input)]);
  return { code, output: code === 0 ? JSON.parse(out).output : null, err };
};

/** Lets version `number` decide, of which nobody comes back. */
async function lockOut(group: string): Promise<void> {
  const text = `permit (principal in Group::"${group}", action, resource);`;
  const { output } = await call("authz.policy-version.create", { set: "default", text });
  const version = { set: "default", number: output.number };
  await call("authz.policy-version.validate", version);
  const input = { ...version, without_preview: "a test", without_way_back: "a test" };
  expect((await call("authz.policy-version.activate", input)).code).toBe(0);
  expect((await sealbase.run(["status"])).err).toContain("policy/denied");
}

test("whoever runs the server gets a project back that nobody may change, as the runbook says", async () => {
  await lockOut("admin");
  const bare = await sealbase.run(["policies", "restore"]);
  expect([bare.code, bare.err]).toEqual([2, expect.stringContaining("--reason")]);
  const other = "00000000-0000-7000-8000-000000000000";
  const none = await sealbase.run(["policies", "restore", "--reason", "r", "--project", other]);
  expect([none.code, none.err]).toEqual([1, expect.stringContaining("action/nothing_before")]);

  const restore = ["policies", "restore", "--reason", "misspelt"];
  expect(JSON.parse((await sealbase.run(restore)).out)).toEqual({ from: 2, to: 1 });
  await lockOut("nobody");
  const told = await follow(sealbase, "../runbooks/locked-out");
  expect(told["ledger.entry.list"]).toMatchObject([
    {
      items: expect.arrayContaining([
        expect.objectContaining({ kind: "event", actor: "Sealbase:operator" }),
      ]),
    },
  ]);
}, 180_000);
