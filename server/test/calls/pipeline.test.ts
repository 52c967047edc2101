import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Caller,
  type Method,
  openTestSystem,
  payment,
  sealedEntries,
  type TestSystem,
} from "../system.ts";

/** A transfer of 10,000,000 that empties its account: the riskiest that no policy forbids. */
const DRAIN = payment({
  type: "TRANSFER",
  amount_cents: 1_000_000_000,
  origin_before_cents: 1_000_000_000,
  origin_after_cents: 0,
});
const NOBODY = "00000000-0000-7000-8000-000000000000";

let system: TestSystem;
let outsider: Caller;
beforeAll(async () => {
  system = await openTestSystem();
  outsider = await accountIn([]);
});
afterAll(() => system.stop());

async function accountIn(groups: string[]): Promise<Caller> {
  const { home } = system;
  const account = await home.call("POST", "/v1/service-accounts", {
    name: groups.join() || "none",
    groups,
  });
  const made = await home.call("POST", "/v1/api-keys", {
    service_account_id: account.body.id,
    name: "k",
  });
  return system.as(made.body.key, home.projectId);
}

interface Case {
  readonly by?: () => Caller;
  readonly call: [Method, string, unknown?, Record<string, string>?];
  readonly status: number;
  readonly code?: string;
  /** Kind and outcome of the entries that the call leaves in the log. */
  readonly sealed: string[];
  /** Outcome and code of its link; null when nothing is recorded. */
  readonly link: string | null;
  readonly decision?: string;
  /** Whether the score refused; null when nothing was scored. */
  readonly scoreRefused?: boolean | null;
}

/** Makes a call and tells what came out and what it left. */
async function check(c: Case): Promise<void> {
  const caller = c.by?.() ?? system.home;
  const before = (await sealedEntries(system, system.home.projectId)).length;
  const requestId = `check-${crypto.randomUUID()}`;
  const [method, path, body, headers] = c.call;
  const answer = await caller.call(method, path, body, { "x-request-id": requestId, ...headers });
  expect([answer.status, answer.body.code]).toEqual([c.status, c.code]);
  expect(answer.headers["x-request-id"]).toBe(requestId);
  await system.parts.reads.flush();
  const entries = (await sealedEntries(system, system.home.projectId)).slice(before);
  expect(entries.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual(c.sealed);
  for (const { refs } of entries) expect(refs["request"]).toBe(requestId);
  const links = await system.sql<{
    outcome: string;
    code: string | null;
    decision_id: string;
    entry_id: string | null;
  }>(
    "select outcome, code, decision_id, entry_id from telemetry.event_links where request_id = $1",
    [requestId],
  );
  expect(links.map(({ outcome, code }) => [outcome, code].filter(Boolean).join(" "))).toEqual(
    c.link === null ? [] : [c.link],
  );
  const decisions = await system.sql<{ id: string; outcome: string; refused: boolean | null }>(
    `select d.id, d.outcome, s.refused from authz.policy_decisions d
     left join vedic.fraud_scores s on s.tenant_id = d.tenant_id and s.id = d.id where d.request_id = $1`,
    [requestId],
  );
  if (c.link === null) {
    expect(decisions).toEqual([]);
    return;
  }
  const id = links[0]!.decision_id;
  expect(decisions).toEqual([
    { id, outcome: c.decision ?? "allow", refused: c.scoreRefused ?? null },
  ]);
  expect(links[0]!.entry_id).toBe(c.sealed.length === 0 ? null : id);
  expect(entries.map((entry) => [entry.id, entry.refs["decision"]])).toEqual(
    c.sealed.map(() => [id, id]),
  );
  if (answer.status < 300) expect(answer.headers["sealbase-call"]).toBe(id);
  else
    expect(answer.body).toMatchObject({
      request_id: requestId,
      facts: {},
      help: expect.stringMatching(/\w+\./),
    });
}

describe("a call, and what it leaves", () => {
  test("a payment is done and sealed", () =>
    check({
      call: ["POST", "/v1/risk/transactions", payment()],
      status: 201,
      sealed: ["call done"],
      link: "done",
      scoreRefused: false,
    }));

  test("a change with a transaction of its own is done and sealed", () =>
    check({
      call: ["POST", "/v1/service-accounts", { name: "robot" }],
      status: 201,
      sealed: ["call done"],
      link: "done",
    }));

  test("who is only durable is sealed, too", () =>
    check({
      call: ["POST", "/v1/risk/transactions", payment(), { prefer: "wait=durable" }],
      status: 201,
      sealed: ["call done"],
      link: "done",
      scoreRefused: false,
    }));

  test("no permit, no payment", () =>
    check({
      by: () => outsider,
      call: ["POST", "/v1/risk/transactions", payment()],
      status: 403,
      code: "policy/denied",
      sealed: ["refusal refused"],
      link: "refused policy/denied",
      decision: "deny",
    }));

  test("a denied read is sealed by itself", () =>
    check({
      by: () => outsider,
      call: ["GET", "/v1/api-keys"],
      status: 403,
      code: "policy/denied",
      sealed: ["refusal refused"],
      link: "refused policy/denied",
      decision: "deny",
    }));

  test("what a policy forbids is denied before it is scored", () =>
    check({
      call: ["POST", "/v1/risk/transactions", { ...DRAIN, amount_cents: 1_000_000_001 }],
      status: 403,
      code: "policy/denied",
      sealed: ["refusal refused"],
      link: "refused policy/denied",
      decision: "deny",
    }));

  test("too risky a payment is refused by its score", () =>
    check({
      call: ["POST", "/v1/risk/transactions", DRAIN],
      status: 403,
      code: "score/too_risky",
      sealed: ["refusal refused"],
      link: "refused score/too_risky",
      scoreRefused: true,
    }));

  test("a key for nobody is refused by its action", () =>
    check({
      call: ["POST", "/v1/api-keys", { service_account_id: NOBODY, name: "k" }],
      status: 404,
      code: "action/service_account_missing",
      sealed: ["refusal refused"],
      link: "refused action/service_account_missing",
    }));

  test("what does not fit is counted, not sealed", () =>
    check({
      call: ["POST", "/v1/risk/transactions", payment({ amount_cents: -1 })],
      status: 400,
      code: "request/invalid",
      sealed: [],
      link: null,
    }));

  test("a stranger leaves nothing", () =>
    check({
      by: () => system.as(""),
      call: ["POST", "/v1/risk/transactions", payment()],
      status: 401,
      code: "request/unauthenticated",
      sealed: [],
      link: null,
    }));

  test("a read leaves its decision and no entry of its own", () =>
    check({ call: ["GET", "/v1/me"], status: 200, sealed: [], link: "read" }));

  test("a read that finds nothing leaves its decision, too", () =>
    check({
      call: ["GET", `/v1/decisions/${NOBODY}`],
      status: 404,
      code: "action/decision_missing",
      sealed: [],
      link: "read action/decision_missing",
    }));

  test("an array is as many calls with one request id", async () => {
    const before = (await sealedEntries(system, system.home.projectId)).length;
    const body = [payment(), payment({ amount_cents: -1 }), DRAIN];
    const answer = await system.home.call("POST", "/v1/risk/transactions", body, {
      "x-request-id": "many",
    });
    expect(answer.status).toBe(207);
    expect(answer.body.results.map((r: { status: number }) => r.status)).toEqual([201, 400, 403]);
    const entries = (await sealedEntries(system, system.home.projectId)).slice(before);
    expect(entries.map(({ kind, refs }) => [kind, refs["request"]]).sort()).toEqual([
      ["call", "many"],
      ["refusal", "many"],
    ]);
  });
});

test("reads are sealed together, under one digest of their traces", async () => {
  const reader = await system.project();
  for (let i = 0; i < 3; i++) await reader.call("GET", "/v1/me");
  await system.parts.reads.flush(true);
  const [entry, ...more] = (await sealedEntries(system, reader.projectId)).filter(
    ({ kind }) => kind === "reads",
  );
  expect(more).toEqual([]);
  const shown = await reader.call("GET", `/v1/ledger/entries/${entry!.id}`);
  expect(shown.body.payload.decisions).toHaveLength(3);
  expect((await reader.call("POST", "/v1/ledger/verify")).body).toMatchObject({ valid: true });
});

test("a call tells where its time went, in the five words", async () => {
  const answer = await system.home.call("POST", "/v1/risk/transactions", payment());
  const timing = answer.headers["server-timing"]!;
  expect(timing.replace(/;dur=\d+\.\d\d/g, "")).toBe("request, policy, score, action, seal");
  expect(answer.headers["sealbase-entry"]).toMatch(/^index=\d+, size=\d+$/);
});

test("a request id is made for who sends none, and refused when it cannot be a header", async () => {
  const made = await system.home.call("GET", "/v1/me");
  expect(made.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  for (const bad of ["", "x".repeat(129), "with space", "ümlaut"]) {
    const answer = await system.home.call("GET", "/v1/me", undefined, { "x-request-id": bad });
    expect([bad, answer.status, answer.body.code]).toEqual([bad, 400, "request/bad_request_id"]);
    expect(answer.headers["x-request-id"]).not.toBe(bad);
  }
});

test("a refusal warns whoever watches", async () => {
  const answer = await outsider.call("POST", "/v1/risk/transactions", payment(), {
    "x-request-id": "watched",
  });
  expect(answer.status).toBe(403);
  expect(
    await system.sql(
      "select kind, severity, decision_id from telemetry.security_events where request_id = 'watched'",
    ),
  ).toEqual([
    { kind: "policy/denied", severity: "warning", decision_id: answer.body.facts.decision_id },
  ]);
});

test("every id of a call finds its chain, and its replay agrees", async () => {
  const { home } = system;
  const answer = await home.call("POST", "/v1/risk/transactions", payment(), {
    "x-request-id": "found-again",
  });
  for (const id of [answer.body.id, "found-again"]) {
    const why = await home.call("GET", `/v1/decisions/${id}/why`);
    expect(why.body.calls).toHaveLength(1);
    expect(why.body.calls[0]).toMatchObject({
      id: answer.body.id,
      outcome: "done",
      score: { value: 0.02 },
    });
    const replay = await home.call("POST", `/v1/decisions/${id}/replay`);
    expect(replay.body).toMatchObject({ agrees: true });
  }
});

test("metrics count calls by outcome, their steps, and requests that did not parse", async () => {
  const value = async (line: RegExp) => {
    const { text } = await system.home.call("GET", "/metrics");
    return Number(line.exec(text)?.[1] ?? 0);
  };
  const done =
    /^sealbase_calls_total\{operation="risk.transaction.assess",outcome="done",code=""\} (\d+)/m;
  const denied =
    /^sealbase_calls_total\{operation="risk.transaction.assess",outcome="refused",code="policy\/denied"\} (\d+)/m;
  const steps = /^sealbase_step_seconds_count\{step="seal"\} (\d+)/m;
  const bad = /^sealbase_http_requests_total\{method="POST",status="400"\} (\d+)/m;
  const sealed = /^sealbase_entries_sealed_total (\d+)/m;
  const all = [done, denied, steps, bad, sealed];
  const before = await Promise.all(all.map(value));
  await system.home.call("POST", "/v1/risk/transactions", payment());
  await outsider.call("POST", "/v1/risk/transactions", payment());
  await system.home.call("POST", "/v1/risk/transactions", "{");
  await sealedEntries(system, system.home.projectId);
  const after = await Promise.all(all.map(value));
  expect(after.map((n, i) => n - before[i]!)).toEqual([1, 1, 2, 1, 2]);
});

test("a change of the threshold holds for the very next call", async () => {
  const { home } = system;
  const call = () => home.call("POST", "/v1/risk/transactions", DRAIN).then(({ status }) => status);
  const set = (score_max: number) =>
    home.call("PATCH", `/v1/projects/${home.projectId}`, { score_max });
  const statuses = [await call()];
  await set(1);
  statuses.push(await call());
  await set(0.6);
  statuses.push(await call());
  expect(statuses).toEqual([403, 201, 403]);
});
