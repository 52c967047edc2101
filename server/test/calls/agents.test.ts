import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;

beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const assess = (caller: Caller, more: object = {}, headers: Record<string, string> = {}) =>
  caller.call("POST", "/v1/risk/transactions", payment(more), headers);

/** An agent session of a project's administrator. */
async function session(caller: Caller, bounds: object): Promise<{ id: string; agent: Caller }> {
  const made = await caller.call("POST", "/v1/agent-sessions", { name: "agent", ...bounds });
  expect(made.status).toBe(201);
  return { id: made.body.id, agent: system.as(made.body.key, caller.projectId) };
}

/** Policies in which agents need a person's yes to assess payments. */
async function demandApproval(caller: Caller): Promise<void> {
  const { body } = await caller.call("GET", "/v1/policies");
  const document = structuredClone(body.document);
  document.staticPolicies["admins-may-do-everything"].annotations = { approval: "required" };
  expect((await caller.call("POST", "/v1/policies", { document })).status).toBe(201);
}

describe("an agent session", () => {
  test("reads what the policies allow, and writes only what it names; each call is sealed as its own", async () => {
    const caller = await system.project();
    const { id, agent } = await session(caller, { writes: ["risk"] });
    expect((await agent.call("GET", "/v1/projects")).status).toBe(200);
    const done = await assess(agent);
    expect(done.status).toBe(201);
    const refused = await agent.call("POST", "/v1/ledger/audits", {});
    expect([refused.status, refused.body.code]).toEqual([403, "policy/not_in_session"]);
    const entries = (await sealedEntries(system, caller.projectId)).slice(-2);
    expect(entries.map(({ action, outcome }) => [action, outcome])).toEqual([
      ["risk.transaction.assess", "done"],
      ["ledger.audit.start", "refused"],
    ]);
    const why = await caller.call("GET", `/v1/decisions/${done.body.id}/why`);
    expect(why.body.calls[0].request.actor).toBe(`AgentSession:${id}`);
  });

  test("cannot widen its own bounds, whatever it names", async () => {
    const caller = await system.project();
    const { agent } = await session(caller, { writes: ["agents", "control-plane", "authz"] });
    const { body: policies } = await caller.call("GET", "/v1/policies");
    const calls: [string, object][] = [
      ["/v1/agent-sessions", { name: "more" }],
      ["/v1/service-accounts", { name: "mine" }],
      ["/v1/api-keys", { service_account_id: caller.projectId, name: "mine" }],
      ["/v1/policies", { document: policies.document }],
      [`/v1/approvals/${caller.projectId}/settle`, { granted: true }],
    ];
    for (const [path, body] of calls)
      expect((await agent.call("POST", path, body)).body.code).toBe("policy/not_for_agents");
  });

  test("has as many calls as its budget, however many come at once; an answered one is not counted again", async () => {
    const caller = await system.project();
    const { id, agent } = await session(caller, { writes: ["risk"], calls_max: 10 });
    const key = { "idempotency-key": "k" };
    const first = await assess(agent, {}, key);
    expect((await assess(agent, {}, key)).body).toEqual(first.body);
    const answers = await Promise.all(Array.from({ length: 30 }, () => assess(agent)));
    const codes = answers.map(({ status, body }) => (status === 201 ? "done" : body.code));
    expect(codes.filter((code) => code === "done")).toHaveLength(9);
    expect(new Set(codes)).toEqual(new Set(["done", "policy/budget_spent"]));
    const { body } = await caller.call("GET", "/v1/agent-sessions");
    expect([body.items[0].id, body.items[0].calls_used]).toEqual([id, 10]);
  });

  test("ends when it is ended, and when its time has come", async () => {
    const caller = await system.project();
    const ended = await session(caller, {});
    await caller.call("DELETE", `/v1/agent-sessions/${ended.id}`);
    expect((await ended.agent.call("GET", "/v1/me")).status).toBe(401);
    const expired = await session(caller, {});
    await system.sql(
      "update control_plane.agent_sessions set expires_at = now() - interval '1 s' where id = $1",
      [expired.id],
    );
    expect((await expired.agent.call("GET", "/v1/me")).status).toBe(401);
  });
});

describe("an approval", () => {
  const waiting = async (caller: Caller) =>
    (await caller.call("GET", "/v1/approvals?status=waiting")).body.items;

  test("is asked for once, granted by a person, and lets this very call through once", async () => {
    const caller = await system.project();
    await demandApproval(caller);
    const { agent } = await session(caller, { writes: ["risk"] });
    expect((await assess(caller)).status).toBe(201);
    const refused = await assess(agent);
    expect([refused.status, refused.body.code]).toEqual([403, "policy/approval_needed"]);
    expect((await assess(agent)).body.facts.approval_id).toBe(refused.body.facts.approval_id);
    const [approval, ...others] = await waiting(caller);
    expect([approval.input, others]).toEqual([payment(), []]);
    const path = `/v1/approvals/${approval.id}/settle`;
    expect((await agent.call("POST", path, { granted: true })).body.code).toBe(
      "policy/not_for_agents",
    );
    expect((await caller.call("POST", path, { granted: true })).body.status).toBe("granted");
    expect((await assess(agent, { amount_cents: 1 })).body.code).toBe("policy/approval_needed");
    expect((await assess(agent)).status).toBe(201);
    expect((await assess(agent)).body.code).toBe("policy/approval_needed");
    const late = await caller.call("POST", path, { granted: true });
    expect([late.status, late.body.code]).toEqual([409, "action/approval_not_waiting"]);
  });

  test("that is used by many at once lets one through", async () => {
    const caller = await system.project();
    await demandApproval(caller);
    const { agent } = await session(caller, { writes: ["risk"] });
    await assess(agent);
    const [approval] = await waiting(caller);
    await caller.call("POST", `/v1/approvals/${approval.id}/settle`, { granted: true });
    const answers = await Promise.all(Array.from({ length: 10 }, () => assess(agent)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  test("that was refused lets nothing through", async () => {
    const caller = await system.project();
    await demandApproval(caller);
    const { agent } = await session(caller, { writes: ["risk"] });
    await assess(agent);
    const [approval] = await waiting(caller);
    const body = { granted: false, reason: "no" };
    await caller.call("POST", `/v1/approvals/${approval.id}/settle`, body);
    expect((await assess(agent)).body.code).toBe("policy/approval_needed");
    expect(
      await system.sql("select from vedic.transactions where tenant_id = $1", [caller.projectId]),
    ).toEqual([]);
  });
});
