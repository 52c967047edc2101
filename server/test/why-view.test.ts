import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EntityFacts, Question } from "#pipeline";
import {
  type EntityJson,
  type EntityUid,
  type Expression,
  Malformed,
  type Policy,
  PolicySet,
  type PolicySetJson,
} from "../src/domains/authz/engine/index.ts";
import { explain, explainToAgent } from "../src/domains/authz/explain.ts";
import { requestOf } from "../src/domains/authz/question.ts";
import { viewOfAsker, wholePolicies } from "../src/domains/authz/view.ts";
import { cases, type RequestJson } from "./oracle/cases.ts";

const plain = (uid: EntityJson["uid"]): EntityUid => ("__entity" in uid ? uid.__entity : uid);
const keyOf = (uid: EntityJson["uid"]): string => JSON.stringify(plain(uid));

function question(
  { principal, action, resource, context }: RequestJson,
  entities: readonly EntityJson[],
  kept: readonly EntityJson[],
): Question {
  return {
    principal: { ...principal, groups: [] },
    action: { ...action, groups: [] },
    resource,
    context,
    entities: entities as EntityFacts[],
    kept: kept as EntityFacts[],
  };
}

/** What the asker is told, and the outcome; undefined where the entities cannot be put together. */
function told(policies: PolicySetJson, asked: Question) {
  try {
    const request = requestOf(asked);
    const traced = new PolicySet(policies).trace(request);
    const view = viewOfAsker(asked, request);
    const whole = wholePolicies(view, traced.steps);
    const shown = [traced.reasons, traced.errors].map((ids) => ids.filter((id) => whole.has(id)));
    const explanation = traced.outcome === "deny" ? explain(asked, traced, view) : null;
    return { outcome: traced.outcome, shown, explanation: JSON.stringify(explanation) };
  } catch (error) {
    // Of two worlds put together, an entity may be in itself.
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

const all = { op: "All" } as const;
const policy = (effect: Policy["effect"], body: Expression): PolicySetJson => ({
  staticPolicies: {
    p: {
      effect,
      principal: all,
      action: all,
      resource: all,
      conditions: [{ kind: "when", body }],
    },
  },
});
/** All that an explanation may say, but that there are no policies. */
const KINDS = [
  "forbidden",
  "no_permit_applies",
  "no_permit_for_action",
  "not_told",
  "policy_error",
];

describe("an explanation for whoever asked", () => {
  test("is the same whatever is kept of entities that they were not told of", () => {
    const seen = { compared: 0, shown: 0, kinds: new Set<string>(), untold: 0 };
    const worlds = fc.tuple(cases, cases, fc.infiniteStream(fc.boolean()));
    fc.assert(
      fc.property(worlds, ([here, elsewhere, coins]) => {
        // Actions are told by the schema, the same in both worlds.
        const isAction = ({ uid }: EntityJson) => plain(uid).type === "Action";
        const known = here.stores[0].filter((one) => isAction(one) || coins.next().value);
        const keys = new Set(known.map(({ uid }) => keyOf(uid)));
        const rest = (all: readonly EntityJson[]) =>
          all.filter((one) => !isAction(one) && !keys.has(keyOf(one.uid)));
        for (const request of here.requests) {
          const one = told(here.policies, question(request, known, rest(here.stores[0])));
          const other = told(here.policies, question(request, known, rest(elsewhere.stores[0])));
          if (one === undefined || other?.outcome !== one.outcome) continue;
          expect([other.shown, other.explanation]).toEqual([one.shown, one.explanation]);
          seen.shown += one.shown.flat().length;
          if (one.outcome === "allow") continue;
          seen.compared++;
          seen.kinds.add(JSON.parse(one.explanation).facts.why);
          if (one.explanation.includes('"untold":1')) seen.untold++;
        }
      }),
      { numRuns: 250 },
    );
    // Otherwise it would say nothing.
    expect(seen.compared).toBeGreaterThan(120);
    expect(seen.shown).toBeGreaterThan(30);
    expect(seen.untold).toBeGreaterThan(10);
    expect([...seen.kinds].sort()).toEqual(KINDS);
  });

  const secret: Expression = {
    "==": {
      left: { ".": { left: { Var: "resource" }, attr: "owner" } },
      right: { Value: { __entity: { type: "User", id: "somebody-else" } } },
    },
  };
  const ask: RequestJson = {
    principal: { type: "User", id: "ada" },
    action: { type: "Action", id: "open" },
    resource: { type: "File", id: "f" },
    context: { kind: "a" },
  };
  const file = (owner: string): EntityJson => ({
    uid: { type: "File", id: "f" },
    attrs: { owner: { __entity: { type: "User", id: owner } } },
  });

  test("names what they told, and nobody else", () => {
    const { explanation } = told(policy("permit", secret), question(ask, [file("bob")], []))!;
    expect(explanation).toContain('resource.owner == User::\\"…\\"');
    expect(explanation).toContain("bob");
    expect(explanation).not.toContain("somebody-else");
  });

  test("says that something decides which they may not read, not what", () => {
    const { explanation } = told(policy("permit", secret), question(ask, [], [file("bob")]))!;
    expect(JSON.parse(explanation).facts).toMatchObject({
      why: "not_told",
      nearest: [{ policy: "p", fails: [], reads: {}, untold: 1 }],
    });
    expect(explanation).not.toMatch(/owner|bob|somebody-else/);
  });
});

describe("an explanation for an agent whose account is denied", () => {
  const agent = { type: "AgentSession", id: "session", groups: ["staff", "all"] };
  /** What the agent of an account is told, and the outcome for the account. */
  function toldFor(id: string, policies: PolicySetJson, asked: RequestJson, actions: EntityJson[]) {
    const account = { type: "User", id, groups: agent.groups };
    const own = { ...question(asked, actions, []), principal: account };
    const { kept: _none, ...call } = own;
    const traced = new PolicySet(policies).trace(requestOf(call));
    const explanation = JSON.stringify(explainToAgent(call, traced, agent));
    return { outcome: traced.outcome, explanation };
  }

  const { p } = policy("forbid", {
    "==": {
      left: { Var: "principal" },
      right: { Value: { __entity: { type: "User", id: "ada" } } },
    },
  }).staticPolicies;
  const notAda = {
    ada: { ...p!, action: { op: "==" as const, entity: { type: "Action", id: "edit" } } },
  };

  test("is the same whatever account it is", () => {
    const seen = { compared: 0, nearest: 0, kinds: new Set<string>(), untold: 0 };
    fc.assert(
      fc.property(cases, ({ policies, stores, requests }) => {
        // Groups are those that callers are in, and what is acted on, where it is a caller.
        const { staticPolicies, ...links }: PolicySetJson = JSON.parse(
          JSON.stringify(policies)
            .replaceAll("Org::Group", "Group")
            .replaceAll('"type":"Album","id":"a1"', '"type":"Group","id":"staff"'),
        );
        const known = { ...links, staticPolicies: { ...staticPolicies, ...notAda } };
        const actions = stores[0].filter(({ uid }) => plain(uid).type === "Action");
        for (const request of requests) {
          // What is acted on may be an account, and the account.
          const asks = [request, { ...request, resource: { type: "User", id: "ada" } }];
          for (const asked of asks) {
            const one = toldFor("ada", known, asked, actions);
            const other = toldFor("bob", known, asked, actions);
            if (one.outcome !== "deny" || other.outcome !== "deny") continue;
            expect(other.explanation).toBe(one.explanation);
            const { facts } = JSON.parse(one.explanation);
            seen.compared++;
            seen.kinds.add(facts.why);
            if (one.explanation.includes('"untold":1')) seen.untold++;
            if (facts.nearest?.[0].fails.length > 0) seen.nearest++;
          }
        }
      }),
      { numRuns: 300 },
    );
    // Otherwise it would say nothing.
    expect(seen.compared).toBeGreaterThan(1_000);
    expect(seen.untold).toBeGreaterThan(50);
    expect(seen.nearest).toBeGreaterThan(50);
    expect([...seen.kinds].sort()).toEqual(KINDS);
  });
});
