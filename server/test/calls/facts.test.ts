import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openStream } from "#pipeline";
import type { Expression, Policy } from "../../src/domains/authz/engine/index.ts";
import { operations } from "../../src/main.ts";
import type { Face } from "../faces/face.ts";
import { type Faces, openFaces } from "../faces/open.ts";
import { activatePolicies } from "../policies.ts";
import type { Caller, TestSystem } from "../system.ts";

let faces: Faces;
let system: TestSystem;
beforeAll(async () => {
  faces = await openFaces();
  system = faces.system;
});
afterAll(() => faces?.close());

const fact = (...names: string[]): Expression =>
  names.reduce<Expression>((left, attr) => ({ ".": { left, attr } }), { Var: "context" });
const same = (left: Expression, Value: string | boolean): Expression => ({
  "==": { left, right: { Value } },
});
const both = (left: Expression, right: Expression): Expression => ({ "&&": { left, right } });

/** A forbid in the project's policies that lets an action through only where this holds. */
async function demand(caller: Caller, action: string, unless: Expression): Promise<void> {
  const { document } = (await caller.call("GET", "/v1/policies/default")).body;
  const forbid: Policy = {
    effect: "forbid",
    principal: { op: "All" },
    action: { op: "==", entity: { type: "Action", id: action } },
    resource: { op: "All" },
    conditions: [{ kind: "unless", body: unless }],
  };
  const staticPolicies = { ...document.staticPolicies, [`demand-${action}`]: forbid };
  const answer = await activatePolicies(caller, { staticPolicies });
  expect(answer.status).toBe(200);
}

async function keyOf(caller: Caller, more: object) {
  const account = await caller.call("POST", "/v1/service-accounts", {
    name: `a ${randomUUID()}`,
    groups: ["admins"],
  });
  return caller.call("POST", "/v1/api-keys", {
    service_account_id: account.body.id,
    name: "k",
    ...more,
  });
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const aSecondAgo = () => new Date(Date.now() - 1_000).toISOString();

describe("what policies are told of how a caller signed in", () => {
  const STEP_UP = both(fact("auth", "step_up"), same(fact("auth", "method"), "passkey"));

  test.each<[string, object, number]>([
    ["a passkey with a fresh proof", { auth_method: "passkey", step_up_until: inAnHour() }, 200],
    ["a passkey with an old one", { auth_method: "passkey", step_up_until: aSecondAgo() }, 403],
    ["a passkey without one", { auth_method: "passkey" }, 403],
    ["a password with a fresh proof", { auth_method: "password", step_up_until: inAnHour() }, 403],
    ["a plain key", {}, 403],
  ])("where a step-up by passkey is asked for, %s", async (_, facts, status) => {
    const caller = await system.project();
    await demand(caller, "control-plane.project.update", STEP_UP);
    const { key } = (await keyOf(caller, facts)).body;
    const answer = await system
      .as(key)
      .call("PATCH", `/v1/projects/${caller.projectId}`, { score_max: 0.7 });
    expect(answer.status).toBe(status);
    if (status === 403)
      expect(answer.body).toMatchObject({
        code: "policy/denied",
        facts: { why: "forbidden", policies: ["demand-control-plane.project.update"] },
      });
  });

  test("its tier, and no input takes their place", async () => {
    const caller = await system.project();
    await demand(caller, "control-plane.project.list", same(fact("auth", "tier"), "T3"));
    const { key: weak } = (await keyOf(caller, { auth_tier: "T2" })).body;
    const { key: strong } = (await keyOf(caller, { auth_tier: "T3" })).body;
    expect((await system.as(strong).call("GET", "/v1/projects")).status).toBe(200);
    expect((await system.as(weak).call("GET", "/v1/projects")).status).toBe(403);
    await vi.waitFor(async () => {
      const { body } = await caller.call("GET", "/v1/decisions?action=control-plane.project.list");
      expect(body.items.map((one: { context: object }) => one.context)).toContainEqual(
        expect.objectContaining({ auth: { method: "api_key", tier: "T2", step_up: false } }),
      );
    }, 5_000);
  });
});

describe("a key that would be stronger than the one that makes it", () => {
  test.each<[string, object, string[]]>([
    ["by its method", { auth_method: "passkey" }, ["auth_method"]],
    ["by its tier", { auth_tier: "T3" }, ["auth_tier"]],
    ["by its step-up", { step_up_until: inAnHour() }, ["step_up_until"]],
  ])("%s is not made", async (_, wanted, stronger) => {
    const caller = await system.project();
    const { key } = (await keyOf(caller, { auth_method: "password", auth_tier: "T2" })).body;
    const answer = await keyOf(system.as(key), wanted);
    expect([answer.status, answer.body.code, answer.body.facts]).toEqual([
      403,
      "action/key_too_strong",
      { stronger, own_method: "password", own_tier: "T2" },
    ]);
    expect((await keyOf(system.as(key), { auth_method: "password", auth_tier: "T2" })).status).toBe(
      201,
    );
  });
});

describe("where a call comes from", () => {
  const listProjects = operations.find(({ name }) => name === "control-plane.project.list")!;
  const IS_TOLD: Expression = { has: { left: fact("network"), attr: "address" } };
  const LOOPBACK = both(IS_TOLD, {
    isInRange: [fact("network", "address"), { ip: [{ Value: "127.0.0.0/8" }] }],
  });

  test("is told by every face that has a network", async () => {
    const caller = await system.project();
    await demand(caller, listProjects.name, LOOPBACK);
    await demand(caller, "feed.event.watch", LOOPBACK);
    const { key } = caller;
    const from = { key, agentKey: key, actors: [] };
    const ask = (face: Face) =>
      face.name === "WebSocket"
        ? face.call(watch, { events_max: 1, after: "0.0" }, from, "facts-1")
        : face.call(listProjects, {}, from, "facts-1");
    for (const face of [faces.rest, ...faces.others]) {
      const answer = await ask(face);
      // The command line is this process: it has none.
      if (face.name === "CLI") expect(answer).toMatchObject({ code: "policy/denied" });
      else
        expect([face.name, answer]).toEqual([face.name, { ...answer, output: expect.anything() }]);
    }
  });
  const watch = operations.find(({ name }) => name === "feed.event.watch")!;

  test("is what a proxy says, if that is trusted, up to the first that is not", async () => {
    const caller = await system.project();
    const office = { ip: [{ Value: "203.0.113.0/24" }] };
    const isOffice: Expression = { isInRange: [fact("network", "address"), office] };
    await demand(caller, listProjects.name, both(IS_TOLD, isOffice));
    const behind = await system.another({ trustedProxies: ["127.0.0.1", "10.0.0.0/8"] });
    const ask = async (of: TestSystem, forwarded: string) =>
      (
        await of
          .as(caller.key)
          .call("GET", "/v1/projects", undefined, { "x-forwarded-for": forwarded })
      ).status;
    expect(await ask(behind, "203.0.113.9")).toBe(200);
    expect(await ask(behind, "203.0.113.9, 10.1.2.3")).toBe(200);
    expect(await ask(behind, "::ffff:203.0.113.9")).toBe(200);
    expect(await ask(behind, "::ffff:cb00:7109")).toBe(200);
    expect(await ask(behind, "::ffff:cb00:7209")).toBe(403);
    // The left part is whatever the caller wrote.
    expect(await ask(behind, "203.0.113.9, 198.51.100.7")).toBe(403);
    expect(await ask(behind, "no address")).toBe(403);
    expect(await ask(system, "203.0.113.9")).toBe(403);
  });
});

test("an agent is told apart from the account in whose name it acts", async () => {
  const caller = await system.project();
  const session = await caller.call("POST", "/v1/agent-sessions", { name: "helper" });
  expect(session.status).toBe(201);
  await system.as(session.body.key).call("GET", "/v1/projects");
  const decided = await vi.waitFor(async () => {
    const { body } = await caller.call("GET", "/v1/decisions?action=control-plane.project.list");
    expect(body.items).not.toEqual([]);
    return body.items[0];
  }, 5_000);
  expect(decided.context.auth).toEqual({
    method: "agent",
    tier: "T1",
    step_up: false,
    session: session.body.id,
  });
});

test("a stream ends with the fresh proof of presence that let it begin", async () => {
  const caller = await system.project();
  const listing = operations.find(({ name }) => name === "feed.event.watch")!;
  await demand(caller, listing.name, fact("auth", "step_up"));
  const { key } = (await keyOf(caller, { step_up_until: inAnHour() })).body;
  let now_ms = Date.now();
  const parts = { ...system.parts, clock: () => now_ms };
  let looked = 0;
  const leaving = new AbortController();
  const { items } = await openStream(
    parts,
    {
      ...listing,
      async *stream({ principal, principalAt }) {
        for (; ; looked++) {
          await principalAt(principal.revision);
          now_ms += 1_800_000;
          yield* [];
        }
      },
    },
    { credential: key, input: {}, signal: leaving.signal },
  );
  await expect(items[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "policy/denied",
  });
  expect(looked).toBe(2);
  leaving.abort();
});
