import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { restorePolicies } from "#domains/authz";
import { validatedPolicies } from "../policies.ts";
import { type Caller, openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const UNSEEN = { without_preview: "a test" };
const LEAVING = { ...UNSEEN, without_way_back: "others go on" };
const activate = (caller: Caller, number: number, more: object = UNSEEN) =>
  caller.call("POST", `/v1/policies/default/versions/${number}/activate`, more);
const restore = (caller: Caller, more: { number?: number; reason?: string } = {}) =>
  restorePolicies(system.parts, caller.projectId, {
    number: undefined,
    reason: "nobody can change them",
    ...more,
  });

/** A policy for a group; version 2, validated. */
async function forGroup(caller: Caller, group: string): Promise<number> {
  const permit = {
    effect: "permit",
    principal: { op: "in", entity: { type: "Group", id: group } },
    action: { op: "All" },
    resource: { op: "All" },
    conditions: [],
  };
  const { body } = await validatedPolicies(caller, { staticPolicies: { ours: permit } });
  return body.version.number;
}

describe("a version by which its author could activate no other", () => {
  test("is not activated: a letter is missing in a group", async () => {
    const caller = await system.project();
    const number = await forGroup(caller, "admin");
    const { status, body } = await activate(caller, number);
    expect([status, body.code]).toEqual([409, "action/no_way_back"]);
    expect(body.facts).toMatchObject({ number, denied_by: [] });
    expect(body.help).toMatch(/without_way_back/);
    expect((await caller.call("GET", "/v1/me")).status).toBe(200);
    expect((await activate(caller, await forGroup(caller, "admins"))).status).toBe(200);
  });

  test("is for others, with a reason that is sealed", async () => {
    const caller = await system.project();
    const account = { name: "next", groups: ["admins", "keepers"] };
    const { body: made } = await caller.call("POST", "/v1/service-accounts", account);
    const key = { service_account_id: made.id, name: "k" };
    const { body } = await caller.call("POST", "/v1/api-keys", key);
    const number = await forGroup(caller, "keepers");
    expect((await activate(caller, number, LEAVING)).status).toBe(200);
    expect((await caller.call("GET", "/v1/me")).body.code).toBe("policy/denied");
    const next = system.as(body.key, caller.projectId);
    const why = await next.call("GET", "/v1/ledger/entries?action=authz.policy-version.activate");
    expect(why.status).toBe(200);
    expect((await activate(next, 1, LEAVING)).status).toBe(200);
  });

  test("is no matter of other sets", async () => {
    const caller = await system.project();
    const text = 'permit (principal in Group::"admin", action, resource);';
    await caller.call("POST", "/v1/policies/pages/versions", { text });
    await caller.call("POST", "/v1/policies/pages/versions/1/validate", {});
    const path = "/v1/policies/pages/versions/1/activate";
    expect((await caller.call("POST", path, {})).status).toBe(200);
  });
});

test("a group that nobody is in is a warning where it is named, and no error", async () => {
  const caller = await system.project();
  const text = [
    '@id("ours") permit (principal in Group::"admins", action, resource);',
    '@id("typo") permit (principal in Group::"admin", action, resource);',
    '@id("list") permit (principal, action, resource) when { principal in [Group::"admins", Group::"b"] };',
  ].join("\n");
  await caller.call("POST", "/v1/policies/default/versions", { text });
  const { body } = await caller.call("POST", "/v1/policies/default/versions/2/validate", {});
  expect([body.valid, body.version.status]).toEqual([true, "validated"]);
  expect(body.diagnostics).toMatchObject([
    { severity: "warning", policy: "typo", line: 2, help: expect.stringMatching(/admins/) },
    { severity: "warning", policy: "list", line: 3, message: expect.stringContaining('"b"') },
  ]);
});

describe("a project in which nobody may change policies", () => {
  test("gets those before back from who runs the server, and everybody can see it", async () => {
    const caller = await system.project();
    const number = await forGroup(caller, "admin");
    await activate(caller, number, LEAVING);
    expect((await caller.call("GET", "/v1/policies/default")).body.code).toBe("policy/denied");
    expect(await restore(caller)).toEqual({ from: number, to: 1 });
    expect((await caller.call("GET", "/v1/policies/default")).body.number).toBe(1);
    expect(
      await system.sql(
        `select kind, severity, actor, facts::json ->> 'reason' as reason from telemetry.security_events
         where tenant_id = $1 and kind = 'policies_restored'`,
        [caller.projectId],
      ),
    ).toEqual([
      {
        kind: "policies_restored",
        severity: "critical",
        actor: "Sealbase:operator",
        reason: "nobody can change them",
      },
    ]);
    expect((await caller.call("POST", "/v1/ledger/verify", {})).body).toMatchObject({
      valid: true,
    });
    expect(await restore(caller, { number })).toEqual({ from: 1, to: number });
  });

  test.each<[string, { number?: number }, string]>([
    ["that decides already", { number: 1 }, "action/version_active"],
    ["that nobody validated", { number: 2 }, "action/version_not_validated"],
    ["that is not there", { number: 3 }, "action/version_missing"],
    ["before the first", {}, "action/nothing_before"],
  ])("gets no version %s", async (_, more, code) => {
    const caller = await system.project();
    const text = 'permit (principal in Group::"admins", action, resource);';
    await caller.call("POST", "/v1/policies/default/versions", { text });
    await expect(restore(caller, more)).rejects.toMatchObject({ code });
    expect((await caller.call("GET", "/v1/policies/default")).body.number).toBe(1);
  });
});
