import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStream } from "#pipeline";
import { operations } from "../../src/main.ts";
import { activatePolicies } from "../policies.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

const watch = operations.find(({ name }) => name === "feed.event.watch")!;
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
  const { body } = await caller.call("GET", "/v1/policies/default");
  const document = structuredClone(body.document);
  document.staticPolicies["admins-may-do-everything"].annotations = { approval: "required" };
  expect((await activatePolicies(caller, document)).status).toBe(200);
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

  test("that may do what its account may not is told that, and not what account it is", async () => {
    const caller = await system.project();
    const { body: made } = await caller.call("POST", "/v1/service-accounts", {
      name: "a",
      groups: ["tellers", "admins"],
    });
    const key = await caller.call("POST", "/v1/api-keys", {
      service_account_id: made.id,
      name: "a",
    });
    const account = system.as(key.body.key, caller.projectId);
    const { agent, id } = await session(account, { writes: ["risk"] });
    const { body } = await caller.call("GET", "/v1/policies/default");
    const forbid = (principal: object, action: string) => ({
      effect: "forbid",
      principal,
      action: { op: "==", entity: { type: "Action", id: action } },
      resource: { op: "All" },
      conditions: [],
    });
    const { staticPolicies } = body.document;
    staticPolicies["not-them"] = forbid(
      { op: "==", entity: { type: "ServiceAccount", id: made.id } },
      "risk.transaction.assess",
    );
    expect((await activatePolicies(caller, body.document)).status).toBe(200);
    // Who may read the call's chain may know whose account it is.
    const full = await assess(agent);
    expect(full.body.facts).toMatchObject({
      principal: `ServiceAccount:${made.id}`,
      why: "forbidden",
      policies: ["not-them"],
    });
    staticPolicies["agents-do-not-read-why"] = forbid(
      { op: "is", entity_type: "AgentSession" },
      "telemetry.chain.why",
    );
    expect((await activatePolicies(caller, body.document)).status).toBe(200);
    const { status, body: refused } = await assess(agent);
    expect([status, refused.code]).toEqual([403, "policy/denied"]);
    expect(refused.facts).toMatchObject({
      principal: `AgentSession:${id}`,
      denied: "account",
      why: "not_told",
    });
    expect(refused.help).toMatch(/^Your session may do this, the account .* may not\./);
    expect(JSON.stringify(refused)).not.toMatch(new RegExp(`${made.id}|tellers|"groups"`));
    // It is recorded as what was decided.
    const { body: decided } = await caller.call(
      "GET",
      `/v1/decisions/${refused.facts.decision_id}`,
    );
    expect([decided.principal, decided.reasons]).toEqual([
      `ServiceAccount:${made.id}`,
      ["not-them"],
    ]);
  });

  test("cannot widen its own bounds, whatever it names", async () => {
    const caller = await system.project();
    const { agent } = await session(caller, { writes: ["agents", "control-plane", "authz"] });
    const calls: [string, object][] = [
      ["/v1/agent-sessions", { name: "more" }],
      ["/v1/service-accounts", { name: "mine" }],
      ["/v1/api-keys", { service_account_id: caller.projectId, name: "mine" }],
      ["/v1/policies/default/versions/1/activate", {}],
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

describe("what an agent cannot get around", () => {
  test("operations that give a secret, or widen bounds, are for people", () => {
    const open = operations
      .filter(
        ({ kind, secrets, agents }) =>
          kind === "write" && secrets !== undefined && agents !== "never",
      )
      .map(({ name }) => name);
    expect(open).toEqual([]);
  });

  test("a key of another kind with somebody's public prefix locks nobody out", async () => {
    const caller = await system.project();
    const { agent } = await session(caller, {});
    const other = (key: string, kind: string) => `${kind}_${key.split("_")[1]}_${"A".repeat(43)}`;
    await system.as(other(caller.key, "as")).call("GET", "/v1/me");
    await system.as(other(agent.key, "sk")).call("GET", "/v1/me");
    const fresh = await system.another();
    await fresh.as(other(caller.key, "as")).call("GET", "/v1/me");
    await fresh.as(other(agent.key, "sk")).call("GET", "/v1/me");
    for (const { key } of [caller, agent])
      for (const where of [system, fresh])
        expect((await where.as(key).call("GET", "/v1/me")).status).toBe(200);
  });

  test("a policy about the account binds its sessions, for calls and for streams", async () => {
    const caller = await system.project();
    const { agent } = await session(caller, { writes: ["risk"] });
    const { body: me } = await caller.call("GET", "/v1/me");
    const { body } = await caller.call("GET", "/v1/policies/default");
    const document = structuredClone(body.document);
    document.staticPolicies["not-this-account"] = {
      effect: "forbid",
      principal: { op: "==", entity: { type: "ServiceAccount", id: me.principal.id } },
      action: {
        op: "in",
        entities: ["risk", "ledger.entry"].map((id) => ({ type: "Action", id })),
      },
      resource: { op: "All" },
      conditions: [],
    };
    await activatePolicies(caller, document);
    const denied = await assess(agent);
    expect([denied.status, denied.body.code, denied.body.facts.policies]).toEqual([
      403,
      "policy/denied",
      ["not-this-account"],
    ]);
    const stream = await openStream(system.parts, watch, {
      credential: agent.key,
      input: { after: "0.0", channels: ["entries", "decisions"], seconds_max: 1 },
      signal: new AbortController().signal,
    });
    const channels = new Set<string>();
    for await (const item of stream.items) channels.add((item as { channel: string }).channel);
    expect(channels).toEqual(new Set(["head", "decisions"]));
    const { body: log } = await caller.call("POST", "/v1/ledger/verify", {});
    expect([log.valid, log.findings]).toEqual([true, []]);
  });

  test("a stream ends when the session does, though nothing else changes", async () => {
    const caller = await system.project();
    const { id, agent } = await session(caller, {});
    await system.sql(
      "update control_plane.agent_sessions set expires_at = now() + interval '900 ms' where id = $1",
      [id],
    );
    const stream = await openStream(system.parts, watch, {
      credential: agent.key,
      input: { channels: ["scores"] },
      signal: new AbortController().signal,
    });
    const items = stream.items[Symbol.asyncIterator]();
    await items.next();
    const until_ms = Date.now() + 1_000;
    const next = (async () => {
      for (;;) if ((await items.next()).done === true) return;
    })();
    const writing = (async () => {
      while (Date.now() < until_ms) await assess(caller);
    })();
    await expect(next).rejects.toMatchObject({ code: "request/unauthenticated" });
    await writing;
  });

  test("revoking the key that a session was made with ends the session", async () => {
    const caller = await system.project();
    const { body: me } = await caller.call("GET", "/v1/me");
    const made = await caller.call("POST", "/v1/api-keys", {
      service_account_id: me.principal.id,
      name: "leaked",
    });
    const { agent } = await session(system.as(made.body.key, caller.projectId), {});
    expect((await agent.call("GET", "/v1/me")).status).toBe(200);
    await caller.call("DELETE", `/v1/api-keys/${made.body.id}`);
    expect((await agent.call("GET", "/v1/me")).status).toBe(401);
  });

  test("an approval is used up by the call that is done, and by no other; its entry names it and who gave it", async () => {
    const caller = await system.project();
    await demandApproval(caller);
    const { agent } = await session(caller, { writes: ["ops"] });
    const update = (headers: Record<string, string> = {}) =>
      agent.call("POST", "/v1/messages", { source: "s", message_id: "m", payload: {} }, headers);
    const { body: asked } = await update();
    await caller.call("POST", `/v1/approvals/${asked.facts.approval_id}/settle`, { granted: true });
    // Not done: the precondition cannot be checked, then the project's revision moves under the call.
    expect((await update({ "if-match": '"x"' })).body.code).toBe("request/no_precondition");
    const moving = Array.from({ length: 10 }, (_, i) =>
      caller.call("PATCH", `/v1/projects/${caller.projectId}`, { score_max: 0.6 + i / 100 }),
    );
    const done = await update();
    await Promise.all(moving);
    expect([done.status, done.body]).toEqual([200, { accepted: "new" }]);
    expect((await update()).body.code).toBe("policy/approval_needed");
    await sealedEntries(system, caller.projectId);
    const { body: entry } = await caller.call(
      "GET",
      `/v1/ledger/entries/${done.headers["sealbase-call"]}`,
    );
    const { body: me } = await caller.call("GET", "/v1/me");
    expect([entry.refs.approval, entry.payload.approval]).toEqual([
      asked.facts.approval_id,
      { id: asked.facts.approval_id, decided_by: `ServiceAccount:${me.principal.id}` },
    ]);
  });
});
