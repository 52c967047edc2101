import fc from "fast-check";
import type { Expression, Policy } from "../../src/domains/authz/engine/index.ts";
import { ATOMS } from "./atoms.ts";
import type { Case } from "./cases.ts";
import { entities, request } from "./cases.ts";
import { expression } from "./expressions.ts";
import { binary, call, named, value } from "./parts.ts";
import { ALBUMS, GROUPS, type Kind, kinds, PHOTOS, pick, USERS, valueOf } from "./values.ts";

/**
 * Cases of many permits without scopes, each one expression, most of them at the edge of what an operator does: a
 * request is weighed by all of them, so one answer compares as many values.
 */
export const probes: fc.Arbitrary<Case> = fc.record({
  policies: fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: fc.nat().chain((n) => FAMILIES[n % FAMILIES.length]!) },
        { weight: 1, arbitrary: expression("bool", 2) },
      ),
      { minLength: 30, maxLength: 30 },
    )
    .map((bodies) => ({
      staticPolicies: Object.fromEntries(
        bodies.map((body, i): [string, Policy] => [`probe${i}`, permitWhen(body)]),
      ),
    })),
  stores: fc.tuple(entities, entities),
  requests: fc.array(request, { minLength: 4, maxLength: 4 }),
});

const ANYTHING = { op: "All" } as const;
const permitWhen = (body: Expression): Policy => ({
  effect: "permit",
  principal: ANYTHING,
  action: ANYTHING,
  resource: ANYTHING,
  conditions: [{ kind: "when", body }],
});

const literalOf = (kind: Kind) => valueOf(kind, 9).map((Value): Expression => ({ Value }));

/** A text and a pattern made of it: pieces of it, wildcards between, some left out, some others. */
const like = fc
  .array(
    fc.tuple(
      pick("a", "b", "ab", "*", "ä", "𝒳", "\\", '"', "e\u0301"),
      pick("keep", "keep", "keep", "star", "swallow", "drop", "other"),
    ),
    { maxLength: 8 },
  )
  .map((pieces): Expression => {
    const pattern = pieces.flatMap(([piece, does]) => {
      if (does === "drop") return [];
      if (does === "swallow") return ["Wildcard" as const];
      if (does === "other") return [{ Literal: "b" }];
      return does === "star" ? [{ Literal: piece }, "Wildcard" as const] : [{ Literal: piece }];
    });
    const left = value(pieces.map(([piece]) => piece).join(""));
    return { like: { left, pattern: pattern.length === 0 ? ["Wildcard"] : pattern } };
  });

/** Sets and records that hold nearly the same, in another order, with repetitions. */
const member: fc.Arbitrary<Expression> = fc.oneof(
  { weight: 4, arbitrary: pick<number | string | boolean>(0, 1, "1", "a", true).map(value) },
  { weight: 1, arbitrary: pick(...USERS.slice(0, 2)).map(named) },
  {
    weight: 1,
    arbitrary: pick("1.5", "1.50", "0.0", "-0.0").map((text) => call("decimal", value(text))),
  },
  {
    weight: 1,
    arbitrary: pick("10.0.0.0/8", "10.0.0.1/8", "::1", "0:0::1").map((text) =>
      call("ip", value(text)),
    ),
  },
  {
    weight: 1,
    arbitrary: pick<Expression[]>(
      [value(1), value("a")],
      [value("a"), value(1)],
      [],
      [value(1)],
      [value("1")],
      [value(1), value(1)],
    ).map((Set) => ({ Set })),
  },
  {
    weight: 1,
    arbitrary: pick<Expression>(
      { Record: {} },
      { Record: { a: value(1) } },
      { Record: { a: value("1") } },
      { Record: { a: value(1), b: value(2) } },
      { Record: { b: value(2), a: value(1) } },
    ),
  },
);
const aSet = fc.array(member, { maxLength: 4 });
const sets = fc.oneof(
  // Sets in sets, in another order.
  aSet.map((a) => binary("contains", { Set: [{ Set: a }, value(0)] }, { Set: [...a].reverse() })),
  fc
    .tuple(pick("==", "!=", "containsAll", "containsAny"), aSet, aSet)
    .map(([operator, a, b]) => binary(operator, { Set: a }, { Set: b })),
  fc
    .tuple(pick("==", "containsAll"), aSet)
    .map(([operator, a]) => binary(operator, { Set: a }, { Set: [...a].reverse() })),
  fc.tuple(aSet, member).map(([a, b]) => binary("contains", { Set: a }, b)),
  fc.tuple(member, member, pick("==", "!=")).map(([a, b, operator]) => binary(operator, a, b)),
  aSet.map((Set): Expression => ({ isEmpty: { arg: { Set } } })),
);

const field = pick("a", "b", "ab", "has space");
const aRecord = fc.dictionary(field, member, { maxKeys: 3, noNullPrototype: true });
const records = fc.oneof(
  // The same values under other names.
  fc
    .tuple(member, member, field, field, field)
    .map(([x, y, a, b, c]) =>
      binary("==", { Record: { [a]: x, [b]: y } }, { Record: { [a]: x, [c]: y } }),
    ),
  fc
    .tuple(aRecord, aRecord, pick("==", "!="))
    .map(([a, b, operator]) => binary(operator, { Record: a }, { Record: b })),
  fc
    .tuple(aRecord, pick("==", "!="))
    .map(([a, operator]) =>
      binary(operator, { Record: a }, { Record: Object.fromEntries(Object.entries(a).reverse()) }),
    ),
  // A chain through records that end, or go on as something else.
  fc
    .tuple(
      fc.dictionary(
        pick("a", "b"),
        fc.oneof(
          member,
          aRecord.map((Record) => ({ Record })),
        ),
        {
          maxKeys: 2,
          noNullPrototype: true,
        },
      ),
      fc.array(pick("a", "b"), { minLength: 1, maxLength: 3 }),
      pick("has", "."),
    )
    .map(([record, path, operator]): Expression => {
      const of = { Record: record };
      if (operator === "has") return { has: { left: of, attr: path } };
      const end = path.reduce<Expression>((left, attr) => ({ ".": { left, attr } }), of);
      return binary("==", end, value(1));
    }),
);

const anyEntity = fc.oneof(
  pick<Expression>({ Var: "principal" }, { Var: "resource" }, { Var: "action" }),
  pick(...USERS, ...GROUPS, ...PHOTOS, ...ALBUMS).map(named),
);
const hierarchy = fc.oneof(
  fc.tuple(anyEntity, anyEntity).map(([a, b]) => binary("in", a, b)),
  fc
    .tuple(
      anyEntity,
      fc.array(fc.oneof({ weight: 8, arbitrary: anyEntity }, { weight: 1, arbitrary: member }), {
        maxLength: 3,
      }),
    )
    .map(([a, Set]) => binary("in", a, { Set })),
  fc
    .tuple(
      anyEntity,
      pick("User", "Org::Group", "Group", "Photo", "Action"),
      fc.option(
        fc.oneof(
          anyEntity,
          fc.array(anyEntity, { maxLength: 2 }).map((Set): Expression => ({ Set })),
        ),
        { nil: undefined },
      ),
    )
    .map(
      ([left, entity_type, group]): Expression => ({
        is: { left, entity_type, ...(group === undefined ? {} : { in: group }) },
      }),
    ),
);

const tags = fc
  .tuple(
    anyEntity,
    pick("t1", "t2", "t3"),
    kinds.chain(literalOf),
    pick("hasTag", "getTag", "both"),
  )
  .map(([left, tag, other, operator]): Expression => {
    const [has, get] = [binary("hasTag", left, value(tag)), binary("getTag", left, value(tag))];
    if (operator === "hasTag") return has;
    const equal = binary("==", get, other);
    return operator === "getTag" ? equal : binary("&&", has, { "!": { arg: equal } });
  });

/** True, false, no boolean, and what fails: in each place of each operator that stops early. */
const truth: fc.Arbitrary<Expression> = pick<Expression>(
  value(true),
  value(false),
  value(1),
  { ".": { left: { Record: {} }, attr: "a" } },
  call("ip", value("no")),
);
const order = fc.oneof(
  // What is no boolean may not come out of either side.
  fc
    .tuple(pick<["&&" | "||", boolean]>(["&&", true], ["||", false]), pick(value(1), value(true)))
    .map(([[operator, a], b]) => binary("==", binary(operator, value(a), b), value(1))),
  fc.tuple(pick("&&", "||"), truth, truth).map(([operator, a, b]) => binary(operator, a, b)),
  fc
    .tuple(pick("&&", "||"), pick("&&", "||"), truth, truth, truth, fc.boolean())
    .map(([one, other, a, b, c, left]) =>
      left ? binary(one, binary(other, a, b), c) : binary(one, a, binary(other, b, c)),
    ),
  fc.tuple(truth, truth, truth).map(
    ([test, then, other]): Expression => ({
      "if-then-else": { if: test, then, else: other },
    }),
  ),
  truth.map((arg): Expression => ({ "!": { arg } })),
  fc
    .tuple(fc.array(truth, { maxLength: 3 }), truth)
    .map(([Set, a]) => binary("contains", { Set }, a)),
);

/** Each operator with arguments of every kind: what is of the wrong one must fail in both. */
const wrongKinds = fc
  .tuple(
    pick(
      "<",
      "<=",
      ">",
      ">=",
      "+",
      "-",
      "*",
      "in",
      "contains",
      "containsAll",
      "getTag",
      "hasTag",
      "==",
    ),
    kinds.chain(literalOf),
    kinds.chain(literalOf),
  )
  .map(([operator, a, b]) => binary(operator, a, b));

const FAMILIES: readonly fc.Arbitrary<Expression>[] = [
  ...ATOMS,
  like,
  sets,
  sets,
  records,
  hierarchy,
  tags,
  order,
  wrongKinds,
];
