import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cedarTrapped } from "../../src/domains/authz/cedar/refusals.ts";
import type { Answer as CedarAnswer } from "../../src/domains/authz/oracle/compare.ts";
import { quarantine } from "../../src/domains/authz/oracle/quarantine.ts";
import { Sampler } from "../../src/domains/authz/oracle/sampler.ts";
import { openPolicy } from "../../src/domains/authz/policy.ts";
import { activatePolicies, makeDocs, validatedPolicies } from "../policies.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
let other: TestSystem;
beforeAll(async () => {
  system = await openTestSystem({ policyOracle: 1 });
  other = await system.another({ policyOracle: 0 });
});
afterAll(() => system.stop());

const LIE: CedarAnswer = {
  type: "success",
  response: { decision: "deny", diagnostics: { reason: [], errors: [] } },
};

/** Lets the project's policies decide one question, which an engine that says this is asked about, too. */
async function sampled(
  caller: Caller,
  { says = LIE, set }: { says?: CedarAnswer | Error; set?: string } = {},
) {
  const { parts } = system;
  const sampler = new Sampler({
    ...parts,
    share: 1,
    async ask() {
      if (says instanceof Error) throw says;
      return says;
    },
    alarm: (alarm) => quarantine(parts, alarm),
  });
  const policy = openPolicy(parts.db, parts.clock, { known: async () => [], sampler });
  const principal = await parts.authenticate(caller.key, true);
  const asked = {
    principal,
    action: { id: "control-plane.project.list", groups: [] },
    resource: { type: "Project", id: caller.projectId },
    context: {},
  };
  const page = {
    principal: { type: "User", id: "ada", groups: [] },
    action: { id: "doc.page.read", groups: [] },
    resource: { type: "Doc", id: "1" },
    context: {},
    entities: [
      {
        uid: { type: "Doc", id: "1" },
        attrs: { owner: { __entity: { type: "User", id: "ada" } } },
      },
    ],
  };
  const { question, decision } =
    set === undefined
      ? { question: asked, decision: await policy.decide(principal, asked) }
      : await policy.ask(principal, { set, stored: false }, page);
  const about = { askedBy: null, requestId: "r", operation: "o", time_ms: parts.clock() };
  policy.rows(decision, question, { ...about, id: "00000000-0000-7000-8000-000000000001" });
  await sampler.idle();
  return decision;
}

const assess = (caller: Caller) => caller.call("POST", "/v1/risk/transactions", payment());
const activate = (caller: Caller, number: number) =>
  caller.call("POST", `/v1/policies/default/versions/${number}/activate`, {
    without_preview: "a test",
  });
const ADMINS = {
  effect: "permit",
  principal: { op: "in", entity: { type: "Group", id: "admins" } },
  action: { op: "All" },
  resource: { op: "All" },
  conditions: [],
};
const DOCUMENT = { staticPolicies: { admins: ADMINS } };

const member = async (caller: Caller, ...groups: string[]): Promise<Caller> => {
  const account = await caller.call("POST", "/v1/service-accounts", { name: groups[0], groups });
  const key = await caller.call("POST", "/v1/api-keys", {
    service_account_id: account.body.id,
    name: "k",
  });
  return system.as(key.body.key, caller.projectId);
};

test("Cedar's engine says the same of what is asked here, and is asked about all of it", async () => {
  const caller = await system.project();
  const count = async (outcome: string) =>
    (await system.parts.metrics.oracle.get()).values.find(
      ({ labels }) => labels.outcome === outcome,
    )?.value ?? 0;
  const before = await count("agreed");
  await makeDocs(async (path, body) => (await caller.call("POST", path, body)).body);
  const ask = (id: string, owner?: string) =>
    caller.call("POST", "/v1/decisions", {
      set: "docs",
      principal: { type: "User", id: "ada", groups: ["staff"] },
      action: "doc.page.read",
      resource: { type: "Doc", id },
      context: { hour: 7, tags: ["a"] },
      entities: [
        { uid: { type: "User", id: "ada" }, parents: [{ type: "Group", id: "all" }] },
        {
          uid: { type: "Doc", id },
          attrs: owner === undefined ? {} : { owner: { __entity: { type: "User", id: owner } } },
        },
      ],
    });
  const outcomes = [await ask("1", "ada"), await ask("2", "bob"), await ask("3")];
  expect(outcomes.map(({ body }) => body.outcome)).toEqual(["allow", "deny", "deny"]);
  expect((await assess(caller)).status).toBe(201);
  // A forbid that fails, where Cedar allows.
  const fails = { ".": { left: { Var: "context" }, attr: "approvals" } };
  const failing = {
    ...ADMINS,
    effect: "forbid",
    action: { op: "==", entity: { type: "Action", id: "risk.transaction.assess" } },
    conditions: [{ kind: "when", body: { ">": { left: fails, right: { Value: 0 } } } }],
  };
  const document = { staticPolicies: { admins: ADMINS, failing } };
  const [row] = await system.sql<{ document: string }>(
    `update authz.policy_versions set document = $2, document_hash = sha256(convert_to($2, 'UTF8'))
     where tenant_id = $1 and number = 1 and policy_set_id = (
       select id from authz.policy_sets where tenant_id = $1 and name = 'default') returning document`,
    [caller.projectId, JSON.stringify(document)],
  );
  expect(row).toBeDefined();
  await system.sql("update control_plane.projects set revision = revision + 1 where id = $1", [
    caller.projectId,
  ]);
  await system.sql("select pg_notify('sealbase_revision', $1)", [caller.projectId]);
  for (;;) {
    const { status, body } = await assess(caller);
    if (status !== 201) {
      expect([status, body.facts.why]).toEqual([403, "policy_error"]);
      break;
    }
    await sleep(5);
  }
  // Four of docs and payments, their makers' six, and those about the failing forbid.
  while ((await count("agreed")) < before + 10) await sleep(5);
  for (const outcome of ["disagreed", "trapped", "unsure", "incomparable"])
    expect([outcome, await count(outcome)]).toEqual([outcome, 0]);
});

describe("the default set, once an engine disagreed", () => {
  test("decides nothing on any server, until an administrator activates another version", async () => {
    const caller = await system.project();
    const auditor = await member(caller, "auditors");
    const elsewhere = other.as(caller.key, caller.projectId);
    expect((await validatedPolicies(caller, DOCUMENT)).status).toBe(200);
    expect([(await assess(caller)).status, (await assess(elsewhere)).status]).toEqual([201, 201]);
    const payments = () =>
      system.sql("select from vedic.transactions where tenant_id = $1", [caller.projectId]);

    expect((await sampled(caller)).outcome).toBe("allow");
    for (const one of [caller, elsewhere])
      expect((await assess(one)).body).toMatchObject({
        code: "policy/version_quarantined",
        facts: { set: "default", number: 1 },
        help: expect.stringContaining("/v1/policies/default/versions/{number}/activate"),
      });
    expect((await assess(caller)).status).toBe(503);
    expect(await payments()).toHaveLength(2);
    // Who is no administrator gets nothing, and administrators only what they need.
    const path = "/v1/policies/default/versions";
    for (const answer of [
      await auditor.call("GET", path),
      await activate(auditor, 2),
      await caller.call("GET", "/v1/service-accounts"),
      await caller.call("POST", "/v1/decisions", {
        principal: { type: "ServiceAccount", id: "x" },
        action: "control-plane.me.get",
        resource: { type: "Project", id: "x" },
      }),
    ])
      expect([answer.status, answer.body.code]).toEqual([503, "policy/version_quarantined"]);

    const { body } = await caller.call("GET", path);
    expect(body.items.map((one: { quarantined_at: unknown }) => one.quarantined_at)).toEqual([
      null,
      expect.any(String),
    ]);
    const activated = await activate(caller, 2);
    expect([activated.status, activated.body.status]).toEqual([200, "active"]);
    expect([(await assess(caller)).status, (await assess(elsewhere)).status]).toEqual([201, 201]);
    expect((await activate(caller, 1)).body).toMatchObject({ code: "action/version_quarantined" });

    const sealed = await sealedEntries(system, caller.projectId);
    expect(sealed.filter(({ kind }) => kind === "event").map(({ action }) => action)).toEqual([
      "security.event.record",
    ]);
    const events = await system.sql<{ kind: string; severity: string; facts: object }>(
      "select kind, severity, facts::jsonb as facts from telemetry.security_events where tenant_id = $1 and kind like 'policy%'",
      [caller.projectId],
    );
    expect(events).toMatchObject([
      {
        kind: "policy_oracle_disagreed",
        severity: "critical",
        facts: { set: "default", number: 1, decided: "allow", expected: "deny" },
      },
    ]);
    // What was decided meanwhile is explained, decided again alike, and verified like the rest.
    const [entry] = sealed.filter(({ action }) => action === "authz.policy-version.activate");
    const replay = await caller.call("POST", `/v1/decisions/${entry!.id}/replay`, {});
    expect(replay.body).toMatchObject({ agrees: true, calls: [{ agrees: true }] });
    const why = await caller.call("GET", `/v1/decisions/${entry!.id}/why`);
    expect(why.text).toContain("administrators-may-replace-quarantined-policies");
    expect((await caller.call("POST", "/v1/ledger/verify", {})).body).toMatchObject({
      valid: true,
    });
  });

  test("is replaced by a new version where there was no other", async () => {
    const caller = await system.project();
    await sampled(caller, { says: cedarTrapped("unreachable") });
    expect((await assess(caller)).body.code).toBe("policy/version_quarantined");
    expect((await activatePolicies(caller, DOCUMENT)).status).toBe(200);
    expect((await assess(caller)).status).toBe(201);
    const kinds = await system.sql<{ kind: string; facts: object }>(
      "select kind, facts::jsonb as facts from telemetry.security_events where tenant_id = $1",
      [caller.projectId],
    );
    expect(kinds).toMatchObject([
      { kind: "policy_oracle_trapped", facts: { cause: "unreachable" } },
    ]);
  });

  test("is not replaced by an agent, though it acts for an administrator", async () => {
    const caller = await system.project();
    const made = await caller.call("POST", "/v1/agent-sessions", {
      name: "agent",
      writes: ["authz"],
    });
    const agent = system.as(made.body.key, caller.projectId);
    await validatedPolicies(caller, DOCUMENT);
    await sampled(caller);
    for (const answer of [
      await activate(agent, 2),
      await agent.call("GET", "/v1/policies/default/versions"),
    ])
      expect([answer.status, answer.body.code]).toEqual([503, "policy/version_quarantined"]);
    expect((await activate(caller, 2)).status).toBe(200);
  });

  test("is quarantined once, and a version that was replaced meanwhile stays out of use", async () => {
    const caller = await system.project();
    const principal = await system.parts.authenticate(caller.key, true);
    const [version] = await system.sql<{ id: string }>(
      "select id from authz.policy_versions where tenant_id = $1",
      [caller.projectId],
    );
    await activatePolicies(caller, DOCUMENT);
    const alarm = {
      because: "disagreed",
      facts: {},
      sample: {
        tenantId: caller.projectId,
        decisionId: "00000000-0000-7000-8000-000000000002",
        versionId: version!.id,
        policies: { staticPolicies: {} },
        question: {
          principal,
          action: { id: "x", groups: [] },
          resource: { type: "Project", id: "x" },
          context: {},
        },
        decision: { outcome: "allow", reasons: [], errors: [] },
      },
    } as const;
    await Promise.all([quarantine(system.parts, alarm), quarantine(other.parts, alarm)]);
    expect((await assess(caller)).status).toBe(201);
    expect((await activate(caller, 1)).body.code).toBe("action/version_quarantined");
    const events = await system.sql(
      "select from telemetry.security_events where tenant_id = $1 and kind like 'policy%'",
      [caller.projectId],
    );
    expect(events).toHaveLength(1);
  });
});

test("another set that is quarantined answers nothing, and the default one decides on", async () => {
  const caller = await system.project();
  const post = async (path: string, body: object) => (await caller.call("POST", path, body)).body;
  await makeDocs(post);
  const ask = () =>
    caller.call("POST", "/v1/decisions", {
      set: "docs",
      principal: { type: "User", id: "ada" },
      action: "doc.page.read",
      resource: { type: "Doc", id: "1" },
      entities: [{ uid: { type: "Doc", id: "1" } }],
    });
  expect((await ask()).body.outcome).toBe("deny");
  await sampled(caller, { set: "docs" });
  expect((await ask()).body).toMatchObject({
    code: "policy/version_quarantined",
    facts: { set: "docs", number: 1 },
  });
  expect((await assess(caller)).status).toBe(201);
  await makeDocs(post);
  expect((await ask()).body.outcome).toBe("deny");
});
