import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { cases } from "../../../../test/oracle/cases.ts";
import {
  EntityRef,
  type Expression,
  entitiesOf,
  type Policy,
  PolicySet,
  type PolicySetJson,
  recordOf,
  Schema,
} from "../engine/index.ts";
import { actionText } from "../question.ts";
import { PLATFORM_SCHEMA } from "../schema/platform.ts";
import { propose } from "./propose.ts";
import { type Proof, prove, proveAll } from "./prove.ts";
import { widens } from "./smt.ts";
import type { Range, Usage, Used } from "./usage.ts";
import { covering, type Side, type Standing } from "./within.ts";

const schema = new Schema(PLATFORM_SCHEMA as never);
const all = { op: "All" } as const;
const policy = (more: Partial<Policy> = {}): Policy => ({
  effect: "permit",
  principal: all,
  action: all,
  resource: all,
  conditions: [],
  ...more,
});
const used = (action: string, resourceType: string, more: Partial<Usage> = {}): Usage => ({
  policy: "p",
  action,
  resourceType,
  decisions: 3,
  principals: 1,
  first: "2026-01-01T00:00:00.000Z",
  last: "2026-01-02T00:00:00.000Z",
  ...more,
});
const range = (name: string, values: Range["values"], decisions = 3): Range => ({
  policy: "p",
  action: "risk.transaction.assess",
  resourceType: "Account",
  name,
  decisions,
  values,
});
const NOTHING: Used = { usage: [], ranges: [], standings: [], crowds: [] };
const none = () => [];
const action = (id: string) => ({ type: "Action", id });

describe("a permit that is narrowed to what was used", () => {
  test("has the actions and types of resources that were asked for", () => {
    const { document, evidence } = propose(
      { staticPolicies: { p: policy(), q: policy(), f: policy({ effect: "forbid" }) } },
      {
        ...NOTHING,
        usage: [
          used("ledger.entry.get", "Entry"),
          used("ledger.entry.list", "Log"),
          used("ledger.log.verify", "Log"),
        ],
      },
      none,
    );
    expect(document.staticPolicies).toEqual({
      "p-used-1": policy({
        annotations: { id: "p-used-1" },
        action: { op: "==", entity: action("ledger.entry.get") },
        resource: { op: "is", entity_type: "Entry" },
      }),
      "p-used-2": policy({
        annotations: { id: "p-used-2" },
        action: { op: "in", entities: [action("ledger.entry.list"), action("ledger.log.verify")] },
        resource: { op: "is", entity_type: "Log" },
      }),
      f: policy({ effect: "forbid" }),
    });
    expect(evidence.map(({ policy: id, becomes }) => [id, becomes])).toEqual([
      ["p", ["p-used-1", "p-used-2"]],
      ["q", []],
    ]);
  });

  test("has bounds of what contexts always held", () => {
    const { document } = propose(
      { staticPolicies: { p: policy() } },
      {
        ...NOTHING,
        usage: [used("risk.transaction.assess", "Account")],
        ranges: [
          range("amount_cents", { kind: "long", min: 5, max: 90 }),
          range("type", { kind: "string", values: ["DEBIT", "PAYMENT"] }),
          range("sometimes", { kind: "long", min: 1, max: 1 }, 2),
        ],
      },
      none,
    );
    const { conditions } = document.staticPolicies["p-used"]!;
    expect(conditions).toHaveLength(2);
    const policies = new PolicySet(document);
    const ask = (context: object) =>
      policies.decide({
        principal: new EntityRef("User", "ada"),
        action: new EntityRef("Action", "risk.transaction.assess"),
        resource: new EntityRef("Account", "a"),
        context: recordOf({ ...context }, ""),
        entities: entitiesOf([]),
      }).outcome;
    expect(ask({ amount_cents: 90, type: "DEBIT" })).toBe("allow");
    expect(ask({ amount_cents: 91, type: "DEBIT" })).toBe("deny");
    expect(ask({ amount_cents: 90, type: "TRANSFER" })).toBe("deny");
    expect(ask({ type: "DEBIT" })).toBe("deny");
  });

  const stood = (of: Usage, side: Side, ...groups: [string, string][]): Standing => ({
    policy: of.policy,
    action: of.action,
    resourceType: of.resourceType,
    side,
    within: groups.map((group) => JSON.stringify(group)),
    members: 1,
  });

  test("is for the groups of those who used it, and for what their resources were in", () => {
    const get = used("doc.get", "Doc");
    const list = used("doc.list", "Doc");
    const standings = [
      stood(get, "principal", ["Group", "red"]),
      stood(get, "resource", ["Folder", "a"]),
      stood(get, "resource", ["Folder", "b"]),
      stood(list, "principal", ["Group", "blue"]),
      stood(list, "principal", ["Team", "t"]),
      stood(list, "resource", ["Folder", "a"]),
    ];
    const p = policy({ principal: { op: "is", entity_type: "User" } });
    const { document, evidence } = propose(
      { staticPolicies: { p } },
      { ...NOTHING, usage: [get, list], standings },
      none,
    );
    const folder = (id: string) => ({ Value: { __entity: { type: "Folder", id } } });
    expect(Object.values(document.staticPolicies)).toMatchObject([
      {
        principal: { op: "is", entity_type: "User", in: { entity: { type: "Group", id: "red" } } },
        action: { entity: action("doc.get") },
        resource: { op: "is", entity_type: "Doc" },
        conditions: [
          {
            kind: "when",
            body: { in: { left: { Var: "resource" }, right: { Set: [folder("a"), folder("b")] } } },
          },
        ],
      },
      {
        principal: p.principal,
        action: { entity: action("doc.list") },
        resource: { op: "is", entity_type: "Doc", in: { entity: { type: "Folder", id: "a" } } },
        conditions: [{ kind: "when", body: { "||": { left: { in: {} }, right: { in: {} } } } }],
      },
    ]);
    expect(evidence[0]!.used.map(({ groups, parents }) => [groups, parents])).toEqual([
      [
        [{ type: "Group", id: "red" }],
        [
          { type: "Folder", id: "a" },
          { type: "Folder", id: "b" },
        ],
      ],
      [
        [
          { type: "Group", id: "blue" },
          { type: "Team", id: "t" },
        ],
        [{ type: "Folder", id: "a" }],
      ],
    ]);
  });

  test("is bound neither for the change of policies, nor where its scope names one entity", () => {
    const ada = { op: "==", entity: { type: "User", id: "ada" } } as const;
    const usage = [
      used("authz.policy-version.activate", "PolicySet"),
      used("doc.get", "Doc", { policy: "q" }),
    ];
    const standings = usage.map((one) => stood(one, "principal", ["Group", "red"]));
    const { document } = propose(
      { staticPolicies: { p: policy(), q: policy({ principal: ada }) } },
      { ...NOTHING, usage, standings },
      none,
    );
    expect(Object.values(document.staticPolicies).map(({ principal }) => principal)).toEqual([
      all,
      ada,
    ]);
  });

  test.each<[string, string[][], Record<string, number>, string[] | null]>([
    ["the group with the fewest others", [["all", "red"]], { all: 50, red: 1 }, ["red"]],
    [
      "one group rather than two that let in more",
      [
        ["all", "red"],
        ["all", "blue"],
      ],
      { all: 2, red: 9, blue: 9 },
      ["all"],
    ],
    ["as many as it takes", [["red"], ["blue"]], { red: 1, blue: 1 }, ["blue", "red"]],
    ["none where somebody is in none", [["red"], []], { red: 1 }, null],
    ["none where nobody was", [], {}, null],
    [
      "the group of all where each of many has one of their own",
      Array.from({ length: 9 }, (_, i) => ["all", `g${i}`]),
      { all: 50 },
      ["all"],
    ],
    [
      "none where it takes more than eight",
      Array.from({ length: 9 }, (_, i) => [`g${i}`]),
      {},
      null,
    ],
  ])("is for %s", (_, stands, crowds, chosen) => {
    const key = (id: string) => JSON.stringify(["Group", id]);
    const standings = stands.map((groups) =>
      stood(used("a", "R"), "principal", ...groups.map((id): [string, string] => ["Group", id])),
    );
    const crowd = new Map(Object.entries(crowds).map(([id, members]) => [key(id), members]));
    expect(covering(standings, crowd)?.map(({ id }) => id) ?? null).toEqual(chosen);
  });

  test("keeps what is needed to change policies again", () => {
    const { document, evidence } = propose({ staticPolicies: { p: policy() } }, NOTHING, () => [
      "authz.policy-version.activate",
    ]);
    expect(Object.values(document.staticPolicies)).toMatchObject([
      {
        action: { entity: action("authz.policy-version.activate") },
        resource: { entity_type: "PolicySet" },
      },
    ]);
    expect(evidence[0]!.kept).toEqual(["authz.policy-version.activate"]);
  });
});

/** What a sample of requests used, as the database would count it. */
function usageOf(
  policies: PolicySetJson,
  requests: readonly {
    readonly reasons: readonly string[];
    readonly action: string;
    readonly type: string;
  }[],
): Usage[] {
  const found = new Map<string, Usage>();
  for (const { reasons, action: name, type } of requests)
    for (const id of reasons) found.set(`${id} ${name} ${type}`, used(name, type, { policy: id }));
  return Object.keys(policies).length === 0 ? [] : [...found.values()];
}

test("proposals deny nothing that was used, and allow nothing that was denied", () => {
  let [kept, tried] = [0, 0];
  fc.assert(
    fc.property(cases, ({ policies, stores: [entities], requests }) => {
      const known = entitiesOf(entities);
      const asked = requests.map(({ principal, action: of, resource, context }) => ({
        principal: new EntityRef(principal.type, principal.id),
        action: new EntityRef(of.type, of.id),
        resource: new EntityRef(resource.type, resource.id),
        context: recordOf(context, ""),
        entities: known,
      }));
      const before = new PolicySet(policies);
      const decided = asked.map((one) => before.decide(one));
      const seen = decided.flatMap(({ outcome, reasons }, i) =>
        outcome === "deny"
          ? []
          : [
              {
                reasons,
                action: actionText({ ...asked[i]!.action, groups: [] }),
                type: asked[i]!.resource.type,
              },
            ],
      );
      const { document } = propose(policies, { ...NOTHING, usage: usageOf(policies, seen) }, none);
      const after = new PolicySet(document);
      for (const [i, one] of asked.entries()) {
        tried++;
        if (decided[i]!.outcome === "allow") kept++;
        expect(after.decide(one).outcome).toBe(decided[i]!.outcome);
      }
    }),
    { numRuns: 120 },
  );
  expect(kept).toBeGreaterThan(20);
  expect(tried).toBeGreaterThan(120);
});

describe("whether policies permit more than others", () => {
  const context = (attr: string) => ({ ".": { left: { Var: "context" as const }, attr } });
  const atMost = (Value: number) => ({
    kind: "when" as const,
    body: { "<=": { left: context("amount_cents"), right: { Value } } },
  });
  const set = (...policies: Policy[]): PolicySetJson => ({
    staticPolicies: Object.fromEntries(policies.map((one, i) => [`p${i}`, one])),
  });
  const reads = { op: "in", entity: action("read") } as const;
  const get = { op: "==", entity: action("ledger.entry.get") } as const;
  const group = (id: string) => ({ op: "in" as const, entity: { type: "Group", id } });
  const typed = (...values: string[]) => ({
    kind: "when" as const,
    body: {
      contains: { left: { Set: values.map((Value) => ({ Value })) }, right: context("type") },
    },
  });
  const forbid = (more: Partial<Policy>) => policy({ effect: "forbid", ...more });
  const owner = {
    kind: "when" as const,
    body: { like: { left: context("type"), pattern: ["Wildcard" as const] } },
  };

  const TABLE: readonly [string, PolicySetJson, PolicySetJson, "unsat" | "sat"][] = [
    ["the same", set(policy()), set(policy()), "unsat"],
    [
      "a smaller bound",
      set(policy({ conditions: [atMost(5)] })),
      set(policy({ conditions: [atMost(9)] })),
      "unsat",
    ],
    [
      "a larger bound",
      set(policy({ conditions: [atMost(9)] })),
      set(policy({ conditions: [atMost(5)] })),
      "sat",
    ],
    ["an action of a group", set(policy({ action: get })), set(policy({ action: reads })), "unsat"],
    ["a group of an action", set(policy({ action: reads })), set(policy({ action: get })), "sat"],
    [
      "a member of a list",
      set(policy({ conditions: [typed("a")] })),
      set(policy({ conditions: [typed("a", "b")] })),
      "unsat",
    ],
    [
      "a list of a member",
      set(policy({ conditions: [typed("a", "b")] })),
      set(policy({ conditions: [typed("a")] })),
      "sat",
    ],
    [
      "other people",
      set(policy({ principal: group("a") })),
      set(policy({ principal: group("b") })),
      "sat",
    ],
    [
      "both of them",
      set(policy({ principal: group("a") })),
      set(policy({ principal: group("a") }), policy({ principal: group("b") })),
      "unsat",
    ],
    [
      "somebody within",
      set(policy({ principal: { op: "==", entity: { type: "Group", id: "a" } } })),
      set(policy({ principal: group("a") })),
      "unsat",
    ],
    ["a type", set(policy({ resource: { op: "is", entity_type: "Log" } })), set(policy()), "unsat"],
    ["no type", set(policy()), set(policy({ resource: { op: "is", entity_type: "Log" } })), "sat"],
    ["without a forbid", set(policy()), set(policy(), forbid({ conditions: [atMost(5)] })), "sat"],
    ["with a forbid", set(policy(), forbid({ conditions: [atMost(5)] })), set(policy()), "unsat"],
    [
      "a forbid that fails denies",
      set(policy(), forbid({ conditions: [atMost(5)] })),
      set(policy({ conditions: [{ kind: "unless", body: atMost(5).body }] })),
      "unsat",
    ],
    [
      "something that is not understood, on both sides",
      set(policy({ conditions: [owner, atMost(5)] })),
      set(policy({ conditions: [owner] })),
      "unsat",
    ],
    [
      "something that is not understood, on one",
      set(policy({ action: get })),
      set(policy({ action: get, conditions: [owner] })),
      "sat",
    ],
    ["nothing", set(), set(), "unsat"],
  ];
  let answers: readonly Proof[];
  // One thread for all: it takes a second to start.
  beforeAll(async () => {
    answers = await proveAll(TABLE.map(([, after, before]) => widens(after, before, schema)));
  });
  test.each(TABLE.map((row, i) => [row[0], i] as const))("%s", (_, i) =>
    expect(answers[i]).toEqual({ said: TABLE[i]![3] }),
  );

  test("a proposal is proven to permit nothing new", async () => {
    const before = set(
      policy({ principal: group("a"), conditions: [owner] }),
      forbid({ conditions: [atMost(5)] }),
    );
    const { document } = propose(
      before,
      { ...NOTHING, usage: [used("ledger.entry.get", "Entry", { policy: "p0" })] },
      none,
    );
    expect(await prove(widens(document, before, schema))).toEqual({ said: "unsat" });
  });

  test("a script grows with its policies, not with how deep their conditions are", () => {
    const length = (depth: number) => {
      const is = (Value: number) => ({ "==": { left: { Var: "principal" }, right: { Value } } });
      let body = is(0) as Expression;
      for (let i = 1; i <= depth; i++) {
        const parts = { left: body, right: is(i) as Expression };
        body = i % 2 === 0 ? { "&&": parts } : { "||": parts };
      }
      const deep = set(policy({ conditions: [{ kind: "when", body }] }));
      return widens(deep, deep, schema).length;
    };
    expect(length(20)).toBeLessThan(3 * length(10));
  });

  test("a solver that takes too long is ended, and nothing is proven", async () => {
    const text = widens(set(), set(), schema);
    expect(await prove(text, 1)).toEqual({ said: null, reason: "no answer within 1 ms" });
    expect(await prove("(nonsense")).toMatchObject({
      said: null,
      reason: expect.stringMatching(/Z3 says/),
    });
  });
});
