import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  type Expression,
  type Policy,
  PolicySet,
  type PolicySetJson,
  Schema,
  type SchemaJson,
} from "../engine/index.ts";
import type { TypeJson } from "../engine/schema.ts";
import { Candidate, type Verdict } from "../preview/candidate.ts";
import { compareGenerated } from "./compare.ts";
import { generate } from "./generate.ts";
import { changeBetween, isNews } from "./judge.ts";
import { type Choosable, OF_CELL_MAX, Sample } from "./sample.ts";
import { optionsOf, TooLarge } from "./values.ts";

const text = { type: "String" };
const SCHEMA: SchemaJson = {
  "": {
    entityTypes: {
      Group: {},
      Album: {},
      User: { memberOfTypes: ["Group"], shape: record({ level: { type: "Long" } }) },
      Robot: {},
      Color: { enum: ["red", "green", "blue"] },
      Photo: {
        memberOfTypes: ["Album"],
        shape: record({
          owner: { type: "Entity", name: "User" },
          tags: { type: "Set", element: text },
        }),
      },
    },
    actions: {
      all: {},
      view: about(["User", "Robot"]),
      share: about(["User"]),
    },
  },
};

function record(attributes: NonNullable<TypeJson["attributes"]>) {
  return { type: "Record", attributes } as const;
}

function about(principalTypes: string[]) {
  const context = record({
    amount: { type: "Long" },
    vpn: { type: "Boolean", required: false },
    place: record({ address: { type: "Extension", name: "ipaddr" }, city: text }),
    at: { type: "Extension", name: "datetime" },
    color: { type: "Entity", name: "Color" },
    rate: { type: "Extension", name: "decimal", required: false },
  });
  const appliesTo = { principalTypes, resourceTypes: ["Photo"], context };
  return { memberOf: [{ id: "all" }], appliesTo } as const;
}

const uid = (type: string, id: string) => ({ type, id });
const All = { op: "All" } as const;
const open: Policy = {
  effect: "permit",
  principal: All,
  action: { op: "in", entity: uid("Action", "all") },
  resource: All,
  conditions: [],
};
const when = (body: Expression, more: Partial<Policy> = {}): Policy => ({
  ...open,
  ...more,
  conditions: [{ kind: "when", body }],
});
const attr = (left: Expression, ...names: string[]): Expression =>
  names.reduce<Expression>((owner, name) => ({ ".": { left: owner, attr: name } }), left);
const context = (...names: string[]) => attr({ Var: "context" }, ...names);
const value = (of: string | number | boolean): Expression => ({ Value: of });
const op = (name: string, left: Expression, right: Expression): Expression => ({
  [name]: { left, right },
});
const call = (fn: string, ...args: Expression[]): Expression => ({ [fn]: args });
const both = (...all: Expression[]) => all.reduce((left, right) => op("&&", left, right));
const amount = (name: string, than: number) => op(name, context("amount"), value(than));
const within = (address: string) =>
  call("isInRange", context("place", "address"), call("ip", value(address)));
const inGroup = (id: string) => ({ op: "in", entity: uid("Group", id) }) as const;
const hasVpn: Expression = { has: { left: { Var: "context" }, attr: "vpn" } };
const owns = op("==", attr({ Var: "resource" }, "owner"), { Var: "principal" });
const tagged = (tag: string) => op("contains", attr({ Var: "resource" }, "tags"), value(tag));

const schema = new Schema(SCHEMA);
const side = (policies: Record<string, Policy>, more: Partial<PolicySetJson> = {}) => {
  const document = { staticPolicies: policies, ...more };
  const candidate = new Candidate({ policies: new PolicySet(document) }, schema);
  return { document, schema, candidate };
};

const BOUNDS = { decisions: 0, recorded: 0, generated: 2_000 };

async function changes(
  before: ReturnType<typeof side>,
  after: ReturnType<typeof side>,
  generated = BOUNDS.generated,
) {
  const candidates = { before: before.candidate, after: after.candidate };
  return compareGenerated(candidates, { before, after }, 0, { ...BOUNDS, generated });
}

const NIGHT = call("datetime", value("2026-01-01T22:00:00Z"));

describe("questions that are made for what changed", () => {
  test.each<[string, Policy, Policy]>([
    ["a limit by one", when(amount("<=", 100)), when(amount("<=", 101))],
    ["< to <=", when(amount("<", 100)), when(amount("<=", 100))],
    ["a limit below nothing", when(amount(">", -5)), when(amount(">", -4))],
    ["another group", { ...open, principal: inGroup("a") }, { ...open, principal: inGroup("b") }],
    ["any principal", { ...open, principal: { op: "is", entity_type: "User" } }, open],
    [
      "one principal more",
      { ...open, principal: { op: "==", entity: uid("User", "ada") } },
      { ...open, principal: { op: "==", entity: uid("User", "bob") } },
    ],
    ["an action less", open, { ...open, action: { op: "==", entity: uid("Action", "view") } }],
    [
      "another album",
      { ...open, resource: { op: "in", entity: uid("Album", "x") } },
      { ...open, resource: { op: "in", entity: uid("Album", "y") } },
    ],
    ["a condition less", when(both(owns, tagged("a"))), when(owns)],
    ["whose", when(owns), open],
    [
      "whose, of people alone",
      when(owns, { principal: { op: "is", entity_type: "User" } }),
      { ...open, principal: { op: "is", entity_type: "User" } },
    ],
    ["one of a few colors", when(colored("red")), when(colored("blue"))],
    ["a tag", when(tagged("a")), when(tagged("b"))],
    ["an optional attribute", when(both(hasVpn, context("vpn"))), when(hasVpn)],
    ["a network", when(within("10.0.0.0/8")), when(within("10.0.0.0/16"))],
    [
      "a pattern",
      when({ like: { left: context("place", "city"), pattern: [{ Literal: "B" }, "Wildcard"] } }),
      when(op("==", context("place", "city"), value("B"))),
    ],
    ["an hour", when(op("<", context("at"), NIGHT)), when(op("<=", context("at"), NIGHT))],
    [
      "a decimal",
      when(both({ has: { left: { Var: "context" }, attr: "rate" } }, rate("lessThan"))),
      when(both({ has: { left: { Var: "context" }, attr: "rate" } }, rate("lessThanOrEqual"))),
    ],
    [
      "a level of the principal",
      when(op(">=", attr({ Var: "principal" }, "level"), value(3)), {
        principal: { op: "is", entity_type: "User" },
      }),
      when(op(">=", attr({ Var: "principal" }, "level"), value(4)), {
        principal: { op: "is", entity_type: "User" },
      }),
    ],
    ["the effect", open, { ...open, effect: "forbid" }],
  ])("find %s, both ways", async (_, one, other) => {
    for (const [before, after] of [
      [one, other],
      [other, one],
    ] as const) {
      const { counts } = await changes(side({ p: before }), side({ p: after }));
      expect(isNews(counts), JSON.stringify(counts)).toBe(true);
      expect(counts.refused).toBe(0);
    }
  });

  test.each<[string, ReturnType<typeof side>, ReturnType<typeof side>, Partial<object>]>([
    ["the same", side({ p: open }), side({ p: open }), {}],
    ["a rename", side({ p: open }), side({ q: open }), { reasons_changed: expect.any(Number) }],
    [
      "parts in another order",
      side({ p: when(both(owns, amount("<", 5))) }),
      side({ p: when(both(amount("<", 5), owns)) }),
      {},
    ],
    [
      "what another policy permits anyway",
      side({ p: open, q: when(owns) }),
      side({ p: open, q: when(tagged("a")) }),
      {},
    ],
  ])("find nothing in %s", async (_, before, after, wanted) => {
    const { counts } = await changes(before, after);
    expect(counts).toMatchObject({ newly_denied: 0, newly_allowed: 0, refused: 0, ...wanted });
  });

  test("see a change that a forbid hides from most", async () => {
    const forbid = when(
      both(op("!=", context("place", "city"), value("Bern")), amount("<", 1_000)),
      { effect: "forbid" },
    );
    const limit = (than: number) => when(both(owns, amount("<=", than)));
    const { counts } = await changes(
      side({ p: limit(10), forbid }),
      side({ p: limit(20), forbid }),
    );
    expect(isNews(counts)).toBe(true);
  });

  test("fill the slots of templates", async () => {
    const template: Policy = { ...open, principal: { op: "in", slot: "?principal" } };
    const linked = (group: string) =>
      side(
        {},
        {
          templates: { t: template },
          templateLinks: [
            { templateId: "t", newId: "l", values: { "?principal": uid("Group", group) } },
          ],
        },
      );
    const { counts, cells, examples } = await changes(linked("a"), linked("b"));
    expect(isNews(counts)).toBe(true);
    expect(
      cells.told
        .map(({ cohort }) => cohort)
        .sort()
        .slice(0, 2),
    ).toEqual(['User["a"]', 'User["a"]']);
    expect(examples[0]).toMatchObject({
      change: "newly_denied",
      of: { principal: { groups: ["a"] } },
    });
  });

  test("are the same every time, none twice, and no more than wanted, of all policies alike", () => {
    const many = (than: number) =>
      side(
        Object.fromEntries(
          Array.from({ length: 30 }, (_, i) => [
            `p${i}`,
            when(both(owns, amount("<", than + 100 * i), within("10.0.0.0/8"), tagged("x"))),
          ]),
        ),
      );
    const asked = () =>
      [...generate(many(1), many(2), 500)]
        .filter((one) => one !== null)
        .map((one) => JSON.stringify(one));
    expect(asked()).toEqual(asked());
    expect(new Set(asked()).size).toBe(500);
    // Within the bound, each of the thirty was found.
    return changes(many(1), many(2), 2_000).then(({ counts }) =>
      expect(counts.newly_allowed).toBeGreaterThan(0),
    );
  });

  test("leave others their turn for each that is made, also when all are made already", () => {
    const alike = (effect: Policy["effect"]) =>
      side(
        Object.fromEntries(
          ["p", "q", "r"].map((id) => [id, when(both(owns, amount("<", 5), hasVpn), { effect })]),
        ),
      );
    const all = [...generate(alike("permit"), alike("forbid"), 2_000)];
    const first = all.findIndex((one) => one !== null);
    const asked = all.filter((one) => one !== null).length;
    expect(first).toBeGreaterThan(10);
    // The second and the third policy make what the first did: it is asked once, made three times.
    expect(all.length - asked).toBeGreaterThan(3 * first - 1);
  });
});

test("questions for many changed policies are made in as much time as for a dozen", () => {
  const flags = Array.from({ length: 4 }, (_, i) => `f${i}`);
  const shape = record(
    Object.fromEntries(flags.map((name) => [name, { type: "Boolean" }] as const)),
  );
  const appliesTo = { principalTypes: ["User"], resourceTypes: ["User"], context: shape };
  const actions = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`do${i}`, { appliesTo }] as const),
  );
  const schema = new Schema({ "": { entityTypes: { User: {} }, actions } });
  const body = flags.map((name) => context(name)).reduce((left, right) => op("||", left, right));
  const made = (count: number) => {
    const all = (effect: Policy["effect"]) => ({
      schema,
      document: {
        staticPolicies: Object.fromEntries(
          Array.from(
            { length: count },
            (_, i) => [`p${i}`, when(body, { effect, action: All })] as const,
          ),
        ),
      },
    });
    const questions = generate(all("permit"), all("forbid"), 1_000_000);
    return [...questions].filter((one) => one === null).length;
  };
  expect(made(100)).toBeLessThan(2 * made(30));
});

test("questions that are made wait for their turn in little memory", () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const flags = Array.from({ length: 8 }, (_, i) => `f${i}`);
  const wide = record(
    Object.fromEntries([
      ...flags.map((name) => [name, { type: "Boolean" }] as const),
      ...Array.from({ length: 400 }, (_, i) => [`x${i}`, text] as const),
    ]),
  );
  const appliesTo = { principalTypes: ["User"], resourceTypes: ["User"], context: wide };
  const ids = Array.from({ length: 8 }, (_, i) => `do${i}`);
  const schema = new Schema({
    "": {
      entityTypes: { User: { shape: wide } },
      actions: Object.fromEntries(ids.map((id) => [id, { appliesTo }])),
    },
  });
  const any = flags.map((name) => context(name)).reduce((left, right) => op("||", left, right));
  const all = (effect: Policy["effect"]) => ({
    schema,
    document: {
      staticPolicies: Object.fromEntries(
        ids.map((id) => {
          const action = { op: "==", entity: uid("Action", id) } as const;
          return [id, when(any, { effect, action })];
        }),
      ),
    },
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  let asked = 0;
  for (const one of generate(all("permit"), all("forbid"), 2_000)) {
    if (one !== null && ++asked === ids.length) break;
    if (one !== null && asked === ids.length - 1) {
      // All but the last have made theirs, some 250 questions with a thousand values each.
      collect();
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(6_000_000);
    }
  }
  expect(asked).toBe(ids.length);
});

function colored(id: string): Expression {
  return op("==", context("color"), { Value: { __entity: uid("Color", id) } });
}

function rate(name: string): Expression {
  return call(name, context("rate"), call("decimal", value("-0.5")));
}

describe("values", () => {
  test("are refused when a schema nests them until they fill the memory", () => {
    const commonTypes = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `T${i}`,
        record(i === 39 ? {} : { a: { type: `T${i + 1}` }, b: { type: `T${i + 1}` } }),
      ]),
    );
    const deep = new Schema({
      "": { commonTypes, entityTypes: { E: { shape: { type: "T0" } } }, actions: {} },
    });
    expect(() => optionsOf(deep.shapeOf("E")!, [])).toThrow(TooLarge);
  });

  test("are few, and soon found, where a policy lists a hundred thousand", () => {
    const list = Array.from({ length: 100_000 }, (_, i) => 10 * i);
    const shapes = new Schema({
      "": {
        entityTypes: {
          E: {
            shape: record({
              one: { type: "Long" },
              some: { type: "Set", element: { type: "Long" } },
            }),
          },
        },
        actions: {},
      },
    })
      .shapeOf("E")!
      .fields();
    expect(optionsOf(shapes.get("one")!.shape, [list, list])).toEqual([
      0, -1, 1, 10, 9, 11, 20, 19, 21, 30, 29, 31,
    ]);
    expect(optionsOf(shapes.get("some")!.shape, [list]).slice(0, 3)).toEqual([[], [0], [10]]);
    expect(optionsOf(shapes.get("some")!.shape, [list.slice(0, 2)])).toEqual([
      [],
      [0, 10],
      [0],
      [10],
    ]);
  });
});

const decided = (outcome: "allow" | "deny", ...reasons: string[]): Verdict => ({
  kind: "decided",
  outcome,
  reasons,
  errors: [],
});
const refused: Verdict = { kind: "refused", at: "", message: "" };

test.each<[Verdict, Verdict, string]>([
  [decided("allow", "a"), decided("allow", "a"), "unchanged"],
  [decided("allow", "a"), decided("allow", "b"), "reasons_changed"],
  [decided("allow", "a"), decided("deny"), "newly_denied"],
  [decided("deny"), decided("allow", "a"), "newly_allowed"],
  [refused, decided("allow", "a"), "refused"],
  [decided("allow", "a"), refused, "refused"],
  [refused, refused, "unchanged"],
  [{ kind: "unreadable" }, decided("allow"), "unreadable"],
])("from %o to %o is %s", (before, after, change) => {
  expect(changeBetween(before, after)).toBe(change);
});

describe("a sample", () => {
  const choosable = (i: number, cell: string, question = i): Choosable => ({
    id: `${cell}${i}`,
    question: ((question * 7_919) % 100_003).toString(16).padStart(8, "0"),
    cohort: cell,
    cell,
  });
  const of = (all: readonly Choosable[], max = 50) => {
    const sample = new Sample();
    for (const one of all) sample.add(one);
    return sample.chosen(max);
  };

  test("has rare cells beside the common one, and a question once however often it was asked", () => {
    const common = Array.from({ length: 5_000 }, (_, i) => choosable(i, "common", i % 40));
    const rare = [choosable(1, "rare")];
    const found = of([...common, ...rare]);
    expect(found).toHaveLength(OF_CELL_MAX + 1);
    expect(found.slice(0, 2).map(({ cohort }) => cohort)).toEqual(["common", "rare"]);
    expect(of([...common, ...rare], 2).map(({ cohort }) => cohort)).toEqual(["common", "rare"]);
  });

  test("is the same in whatever order the questions come", () => {
    const all = Array.from({ length: 500 }, (_, i) => choosable(i, `c${i % 7}`));
    expect(of(all)).toEqual(of(all.toReversed()));
  });

  test("says how many cells it has no place for", () => {
    const sample = new Sample();
    for (let i = 0; i < 2_003; i++) sample.add(choosable(i, `c${i}`));
    expect(sample.cellsLeftOut).toBe(3);
  });
});
