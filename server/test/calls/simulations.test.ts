import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DOCS } from "../policies.ts";
import {
  askAll,
  itemsOf,
  type Json,
  lines,
  makeLibrary,
  post,
  question,
  READERS,
  store,
} from "../previews.ts";
import { type Caller, openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const library = () => makeLibrary(system);

describe("a simulation", () => {
  const simulate = (caller: Caller, body: object) =>
    caller.call("POST", "/v1/policies/simulate", body);
  const asked = ({ set: _set, ...rest }: ReturnType<typeof question>) => rest;

  test("answers by a version, or by policies that are stored nowhere, and records nothing", async () => {
    const caller = await library();
    const number = await store(caller, READERS, {}, false);
    const requests = [
      asked(question("ada", "1")),
      asked(question("bob", "1")),
      asked(question("bob", "1", { action: "doc.page.burn" })),
    ];
    const before = await state(caller);
    const { status, body } = await simulate(caller, { set: "docs", number, requests });
    expect(status).toBe(200);
    expect(body.answers).toMatchObject([
      { outcome: "deny", reasons: [], why: { why: "no_permit_applies" } },
      { outcome: "allow", reasons: ["readers"], errors: [], why: null, help: null },
      {
        outcome: null,
        why: { at: "action", message: expect.stringContaining("doc.page.burn") },
        help: expect.stringContaining("schema"),
      },
    ]);
    const given = await simulate(caller, { ...DOCS, requests });
    expect(given.body.answers.map(({ outcome }: Json) => outcome)).toEqual(["allow", "deny", null]);
    const document = { staticPolicies: {} };
    const json = await simulate(caller, { document, schema: DOCS.schema, requests: [requests[0]] });
    expect(json.body.answers).toMatchObject([
      { outcome: "deny", why: { why: "no_permit_for_action" } },
    ]);
    await system.parts.reads.flush(true);
    expect(await state(caller)).toEqual(before);
    const calls = await system.sql<{ n: number }>(
      "select count(*)::int as n from authz.policy_decisions where tenant_id = $1 and operation = 'authz.policy.simulate'",
      [caller.projectId],
    );
    expect(calls[0]!.n).toBe(3);
  });

  test("says the same as the decision that is asked, of what the project keeps, too", async () => {
    const caller = await system.project();
    const requests = [true, false].map((stored) => ({
      principal: { type: "ServiceAccount", id: "till", groups: ["services"] },
      action: "risk.transaction.assess",
      resource: { type: "Account", id: "new" },
      context: { type: "PAYMENT", amount_cents: 2_000_000_000 },
      stored,
    }));
    const { answers } = (await simulate(caller, { number: 1, requests })).body;
    for (const [i, request] of requests.entries()) {
      const { outcome, reasons, errors, why, help } = await post(caller, "/v1/decisions", request);
      expect(answers[i]).toEqual({ outcome, reasons, errors, why, help });
      expect(outcome).toBe("deny");
    }
  });

  test("is no way to what the project keeps for whoever may not read it; nor is a preview", async () => {
    const caller = await library();
    const text = `permit (principal, action, resource)
      when { [Action::"authz.policy.simulate", Action::"authz.policy-version.preview"].contains(action) };
      @id("admins") permit (principal in Group::"admins", action, resource);`;
    const made = await post(caller, "/v1/policies/default/versions", { text });
    await post(caller, `/v1/policies/default/versions/${made.number}/validate`, {});
    const reason = { without_preview: "a test" };
    await post(caller, `/v1/policies/default/versions/${made.number}/activate`, reason);
    const account = await post(caller, "/v1/service-accounts", { name: "curious" });
    const key = await post(caller, "/v1/api-keys", { service_account_id: account.id, name: "c" });
    const curious = system.as(key.key);
    const one = asked(question("bob", "1"));
    const probing = { ...DOCS, requests: [{ ...one, entities: [], stored: true }] };
    const refused = await simulate(curious, probing);
    expect([refused.status, refused.body.code]).toEqual([403, "action/may_not_read_decisions"]);
    expect((await simulate(caller, probing)).status).toBe(200);
    expect((await simulate(curious, { ...DOCS, requests: [one] })).body.answers[0].outcome).toBe(
      "deny",
    );
    await askAll(caller, [question("ada", "1")]);
    const [last] = itemsOf(await lines(curious, 1)) as Json[];
    expect(last.refusal.code).toBe("action/may_not_read_decisions");
  });

  test("refuses what is no policy, two candidates, none, and more than a thousand requests", async () => {
    const caller = await library();
    const requests = [asked(question("ada", "1"))];
    const code = async (body: object) => {
      const answer = await simulate(caller, body);
      return [answer.status, answer.body.code];
    };
    expect(await code({ text: "permit (", requests })).toEqual([400, "action/bad_policies"]);
    const untyped = DOCS.text.replace("has owner", "has owner && resource.size > 1");
    expect(await code({ ...DOCS, text: untyped, requests })).toEqual([400, "action/bad_policies"]);
    expect(await code({ number: 1, text: "", requests })).toEqual([400, "action/one_candidate"]);
    expect(await code({ number: 1, schema: null, requests })).toEqual([
      400,
      "action/one_candidate",
    ]);
    expect(await code({ requests })).toEqual([400, "action/text_or_document"]);
    expect(await code({ set: "docs", number: 9, requests })).toEqual([
      404,
      "action/version_missing",
    ]);
    expect(await code({ number: 1, requests: [] })).toEqual([400, "request/invalid"]);
    expect(await code({ number: 1, requests: Array(1_001).fill(requests[0]) })).toEqual([
      400,
      "request/invalid",
    ]);
  });

  const state = async (caller: Caller) =>
    system.sql(
      `select (select count(*) from authz.policy_versions v where v.tenant_id = $1) as versions,
         (select count(*) from authz.policy_previews p where p.tenant_id = $1) as previews,
         (select count(*) from authz.policy_decisions d where d.tenant_id = $1 and d.asked_by is not null) as asked`,
      [caller.projectId],
    );
});
