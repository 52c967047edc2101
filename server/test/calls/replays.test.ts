import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PolicySet } from "../../src/domains/authz/engine/index.ts";
import { ENGINES, type Engine } from "../../src/domains/authz/engines.ts";
import { replayWindow } from "../../src/domains/authz/index.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  system.work();
});
afterAll(() => system.stop());

const pay = (caller: Caller) => caller.call("POST", "/v1/risk/transactions", payment());
const QUESTION = {
  principal: { type: "ServiceAccount", id: "till", groups: ["services"] },
  action: "risk.transaction.assess",
  resource: { type: "Account", id: "new" },
  context: { type: "PAYMENT", amount_cents: 100 },
};
const ask = (caller: Caller, more: object = {}) =>
  caller.call("POST", "/v1/decisions", { ...QUESTION, ...more });

/** A moment that everything up to here lies before, and everything after it does not. */
async function now(): Promise<string> {
  const at_ms = Date.now() + 1;
  while (Date.now() <= at_ms) await nextTurn();
  return new Date(at_ms).toISOString();
}

/** Starts a replay and gives its job once it has ended. */
async function replayed(caller: Caller, input: object = {}) {
  const { status, body } = await caller.call("POST", "/v1/decision-replays", input);
  expect([status, body.topic]).toEqual([202, "authz.replay"]);
  return ended(body.id);
}

async function ended(id: string): Promise<{ id: string; status: string; result: Result }> {
  for (;;) {
    const [job] = await system.sql<{ status: string; result: string; error: string | null }>(
      "select status, result, error from ops.outbox where id = $1",
      [id],
    );
    if (job!.error !== null && job!.status === "waiting") throw new Error(job!.error);
    if (["done", "given_up", "cancelled"].includes(job!.status))
      return { id, status: job!.status, result: JSON.parse(job!.result) };
  }
}

interface Result {
  readonly decisions: number;
  readonly agreed: number;
  readonly disagreed: number;
  readonly engine_unknown: number;
  readonly engines_unknown: readonly string[];
  readonly erased: number;
  readonly told: readonly { readonly id: string }[];
}

const disagreements = async (caller: Caller, query = "") =>
  (await caller.call("GET", `/v1/decision-replays/disagreements${query}`)).body.items;

describe("a replay", () => {
  test("decides every recorded question again, page by page, and nothing differs", async () => {
    const caller = await system.project();
    const many = Array.from({ length: 1_000 }, (_, i) => ({
      ...QUESTION,
      principal: { ...QUESTION.principal, id: `till-${i % 7}` },
      context: { type: "PAYMENT", amount_cents: i % 3 === 0 ? 2_000_000_000 : i },
    }));
    for (let i = 0; i < 3; i++) await caller.call("POST", "/v1/decisions", many);
    await pay(caller);
    const until = await now();
    const { result } = await replayed(caller, { until });
    // Each question is decided itself, too: may it be asked?
    expect(result.decisions).toBe(6_001);
    expect(result).toMatchObject({ agreed: 6_001, disagreed: 0, engine_unknown: 0, erased: 0 });
    expect(await disagreements(caller)).toEqual([]);
    const nothing = await replayed(caller, {
      since: "2031-01-01T00:00:00Z",
      until: "2031-01-02T00:00:00Z",
    });
    expect(nothing.result).toMatchObject({ decisions: 0, agreed: 0 });
    const past = await replayed(caller, { until: "2020-01-01T00:00:00Z" });
    expect(past.result).toMatchObject({ decisions: 0 });
  });

  test("takes the decisions of its window, and of its project", async () => {
    const caller = await system.project();
    await ask(await system.project());
    await ask(caller);
    const since = await now();
    await ask(caller);
    const { result } = await replayed(caller, { since, until: await now() });
    expect(result).toMatchObject({ decisions: 2, agreed: 2 });
  });

  const EDITS: readonly [what: string, sql: string][] = [
    [
      "a context",
      "update authz.policy_decisions set context = replace(context, '100', '101') where id = $1",
    ],
    [
      "a context that is none any more",
      "update authz.policy_decisions set context = '{' where id = $1",
    ],
    ["an outcome", "update authz.policy_decisions set outcome = 'deny' where id = $1"],
    ["reasons", "update authz.policy_decisions set reasons = '{other}' where id = $1"],
    ["a principal", "update authz.policy_decisions set principal = 'User:eve' where id = $1"],
    ["a trace hash", "update authz.policy_decisions set trace_hash = sha256('') where id = $1"],
    [
      "a version that never was",
      "update authz.policy_decisions set policy_version_id = gen_random_uuid() where id = $1",
    ],
    [
      "a slice",
      `update authz.entity_slices set slice = replace(slice, 'services', 'admins')
       where hash = (select entity_slice_hash from authz.policy_decisions where id = $1)`,
    ],
    [
      "a slice that says nothing",
      `update authz.entity_slices set slice = 'null' where hash = (select entity_slice_hash from authz.policy_decisions where id = $1)`,
    ],
    [
      "a slice that is gone",
      "delete from authz.entity_slices where hash = (select entity_slice_hash from authz.policy_decisions where id = $1)",
    ],
  ];
  test.for(EDITS)("finds %s that was edited", async ([, sql]) => {
    const caller = await system.project();
    await ask(caller, { principal: { type: "ServiceAccount", id: "other", groups: [] } });
    const { body } = await ask(caller);
    await system.sql(sql, [body.id]);
    const { id, result } = await replayed(caller);
    expect(result.disagreed).toBe(1);
    expect(result.told.map((one) => one.id)).toEqual([body.id]);
    expect(await disagreements(caller)).toMatchObject([{ job_id: id, decision_id: body.id }]);
    const one = await caller.call("POST", `/v1/decisions/${body.id}/replay`, {});
    expect(one.body.agrees).toBe(false);
  });

  test("finds a schema that was edited, in every decision by it", async () => {
    const caller = await system.project();
    const { body } = await ask(caller);
    await system.sql(
      "update authz.policy_schemas set schema = schema || ' ' where tenant_id = $1",
      [caller.projectId],
    );
    const one = await caller.call("POST", `/v1/decisions/${body.id}/replay`, {});
    expect(one.body.agrees).toBe(false);
  });

  test("that disagrees is one sealed critical event, and a row for each decision", async () => {
    const caller = await system.project();
    const asked = Array.from({ length: 30 }, () => QUESTION);
    await caller.call("POST", "/v1/decisions", asked);
    await system.sql(
      `update authz.policy_versions set document = replace(document, 'nobody-pays', 'somebody-pays') where tenant_id = $1`,
      [caller.projectId],
    );
    const { id, result } = await replayed(caller);
    const { decisions } = result;
    expect(decisions).toBeGreaterThanOrEqual(60);
    expect(result).toMatchObject({ agreed: 0, disagreed: decisions });
    const events = await system.sql<{ id: string; severity: string; facts: string }>(
      "select id, severity, facts from telemetry.security_events where tenant_id = $1 and kind = 'replay_disagreed'",
      [caller.projectId],
    );
    expect(events).toHaveLength(1);
    const facts = JSON.parse(events[0]!.facts);
    expect(events[0]!.severity).toBe("critical");
    expect(facts).toMatchObject({ job: id, more_decisions: decisions - 20 });
    expect(facts.decisions).toHaveLength(20);
    expect(facts.decisions[0]).toEqual({
      id: expect.any(String),
      engine: "sealbase-est 2",
      expected: { outcome: "allow", trace_hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      found: { outcome: expect.any(String), trace_hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const sealed = await sealedEntries(system, caller.projectId);
    expect(sealed.find((entry) => entry.id === events[0]!.id)).toMatchObject({
      kind: "job",
      action: "authz.replay",
      outcome: "done",
      refs: { job: id },
    });
    expect(await disagreements(caller, `?job=${id}&limit=200`)).toHaveLength(
      Math.min(200, decisions),
    );
    expect(await disagreements(caller, "?job=00000000-0000-4000-8000-000000000000")).toEqual([]);
  });

  test("counts what was erased, and does not fail for it", async () => {
    const caller = await system.project();
    const { body } = await pay(caller);
    await pay(caller);
    const erased = await caller.call("POST", `/v1/ledger/entries/${body.id}/erase`, {
      reason: "asked for",
    });
    expect(erased.status).toBe(200);
    const { result } = await replayed(caller);
    expect(result).toMatchObject({ disagreed: 0, erased: 1, agreed: result.decisions });
  });

  test("is cancelled between two pages, says how far it is, and holds no more than a page", async () => {
    const caller = await system.project();
    const asked = Array.from({ length: 1_000 }, () => QUESTION);
    for (let i = 0; i < 3; i++) await caller.call("POST", "/v1/decisions", asked);
    const ending = new AbortController();
    const reason = new Error("enough");
    const told: number[] = [];
    const countErased = () => Promise.reject(new Error("not reached"));
    const replay = replayWindow({ db: system.parts.db, clock: Date.now, countErased });
    const running = replay({
      id: "",
      tenantId: caller.projectId,
      payload: { since: null, until: await now() },
      attempt: 1,
      signal: ending.signal,
      progress(done) {
        told.push(done);
        if (told.length === 2) ending.abort(reason);
      },
    });
    await expect(running).rejects.toBe(reason);
    expect(told).toHaveLength(2);
    expect(told[0]).toBeGreaterThan(0);
    expect(told[1]).toBeGreaterThan(told[0]!);
    expect(told[1]).toBeLessThan(1);
  });
});

describe("another version of the engine", () => {
  let withdraw = () => {};
  afterEach(() => withdraw());
  /** Decides otherwise: nothing is allowed any more. */
  const NEWER: Engine = {
    name: "sealbase-est",
    version: "3",
    compile(policies) {
      const old = new PolicySet(policies);
      return {
        decide: (request) => ({ ...old.decide(request), outcome: "deny", reasons: [] }),
        trace: (request) => ({ ...old.trace(request), outcome: "deny", reasons: [] }),
      };
    },
  };

  test("decides otherwise from then on, and what was decided replays by the one that did, bit for bit", async () => {
    const caller = await system.project();
    const old = (await ask(caller)).body;
    expect(old.outcome).toBe("allow");
    withdraw = ENGINES.add(NEWER);
    const later = await system.another();
    const principal = await later.parts.authenticate(caller.key, false);
    const question = { ...QUESTION, action: { id: QUESTION.action, groups: ["risk", "write"] } };
    const decision = await later.parts.policy.decide(principal, question);
    expect(decision.outcome).toBe("deny");
    const id = crypto.randomUUID().replace(/^.{8}-.{4}-4/, `${old.id.slice(0, 13)}-7`);
    const rows = later.parts.policy.rows(decision, question, {
      id,
      askedBy: old.id,
      requestId: "later",
      operation: "authz.decision.ask",
      time_ms: Date.now(),
    });
    await later.parts.committer.commit({ tenantId: caller.projectId, id, rows: [...rows] });

    const stored = await system.sql<{ engine: string; outcome: string }>(
      "select engine, outcome from authz.policy_decisions where id = any($1::uuid[]) order by engine",
      [[old.id, id]],
    );
    expect(stored).toEqual([
      { engine: "sealbase-est 2", outcome: "allow" },
      { engine: "sealbase-est 3", outcome: "deny" },
    ]);
    const { result } = await replayed(caller);
    expect(result).toMatchObject({ disagreed: 0, engine_unknown: 0, agreed: result.decisions });
    const replay = (
      await caller.call("POST", `/v1/decisions/${old.id}/replay`, {})
    ).body.calls.find((call: { id: string }) => call.id === old.id);
    expect(replay).toMatchObject({
      agrees: true,
      engine_unknown: null,
      outcome: { recorded: "allow", replayed: "allow" },
      trace_hash: { recorded: old.trace_hash, replayed: old.trace_hash },
    });

    // Without it nobody can say whether it decided so.
    withdraw();
    withdraw = () => {};
    const without = await replayed(caller);
    expect(without.result).toMatchObject({
      disagreed: 0,
      engine_unknown: 1,
      engines_unknown: ["sealbase-est 3"],
      agreed: without.result.decisions - 1,
    });
  });

  test("is told of by the replay of one call when it is not there", async () => {
    const caller = await system.project();
    const { body } = await ask(caller);
    await system.sql("update authz.policy_decisions set engine = 'sealbase-est 1' where id = $1", [
      body.id,
    ]);
    const { agrees, calls } = (await caller.call("POST", `/v1/decisions/${body.id}/replay`, {}))
      .body;
    expect([agrees, calls.find((call: { id: string }) => call.id === body.id)]).toMatchObject([
      false,
      { agrees: null, engine_unknown: "sealbase-est 1", outcome: null, trace_hash: null },
    ]);
  });

  test("has a name of its own", () => {
    expect(() => ENGINES.add({ ...NEWER, version: "2" })).toThrow("already");
    expect(ENGINES.named("sealbase-est 2")).toBe(ENGINES.current);
  });
});
