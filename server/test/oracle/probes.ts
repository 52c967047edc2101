import fc from "fast-check";
import type { EntityUid, Expression, Policy } from "../../src/domains/authz/engine/index.ts";
import type { Case } from "./cases.ts";
import { entities, request } from "./cases.ts";
import { expression } from "./expressions.ts";
import {
  ALBUMS,
  broken,
  datetimeText,
  decimalText,
  durationText,
  GROUPS,
  ipText,
  type Kind,
  kinds,
  long,
  PHOTOS,
  pick,
  slipped,
  USERS,
  valueOf,
} from "./values.ts";

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

const value = (json: boolean | number | string): Expression => ({ Value: json });
const named = (of: EntityUid): Expression => ({ Value: { __entity: of } });
const call = (fn: string, ...args: readonly Expression[]): Expression => ({ [fn]: args });
const binary = (operator: string, left: Expression, right: Expression): Expression => ({
  [operator]: { left, right },
});
const COMPARISONS = ["<", "<=", ">", ">=", "==", "!="] as const;
const literalOf = (kind: Kind) => valueOf(kind, 9).map((Value): Expression => ({ Value }));

/** Longs from one end to the other; beyond 2^53 they cannot be written as JSON numbers. */
const anyLong: fc.Arbitrary<Expression> = fc.oneof(
  long.map(value),
  pick(
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "-9223372036854775807",
    "9007199254740992",
    "-9007199254740992",
    "9007199254740993",
    "3037000500",
    "4294967296",
    "-4611686018427387904",
  ).map((ms) => call("toMilliseconds", call("duration", value(`${ms}ms`)))),
);

const made = (fn: string, texts: fc.Arbitrary<string>): fc.Arbitrary<Expression> =>
  fc
    .oneof(
      { weight: 8, arbitrary: texts },
      { weight: 2, arbitrary: texts.chain(slipped) },
      { weight: 1, arbitrary: broken },
    )
    .map((text) => call(fn, value(text)));
const anyDecimal = made("decimal", decimalText);
const anyIp = made("ip", ipText);
const anyDatetime = made("datetime", datetimeText);
const anyDuration = made("duration", durationText);

const arithmetic = fc
  .tuple(pick("+", "-", "*"), anyLong, anyLong, pick(...COMPARISONS), anyLong)
  .map(([operator, a, b, compare, c]) => binary(compare, binary(operator, a, b), c));
const negation = fc
  .tuple(anyLong, pick(...COMPARISONS), anyLong)
  .map(([arg, compare, b]) => binary(compare, { neg: { arg } }, b));

const decimals = fc
  .tuple(
    pick("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"),
    anyDecimal,
    anyDecimal,
  )
  .map(([fn, a, b]) => call(fn, a, b));
const equalMade = fc
  .oneof(
    ...[anyDecimal, anyIp, anyDatetime, anyDuration].map((of) => fc.tuple(of, of)),
    fc.tuple(anyDatetime, anyDuration),
  )
  .map(([a, b]) => binary("==", a, b));

/** Texts that only just are values, and texts that only just are none. */
const EDGES: Readonly<Record<string, readonly string[]>> = {
  decimal: ["0.00000", "1.12345", "-.5", "5.", "0x1.0", "01.5", "-0.0", "1.0 ", "१.0", "1_0.0"],
  ip: [
    "1:2:3:4::5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    ":::",
    "12345::",
    "::/129",
    "::/128",
    "1.2.3.4/32",
    "1.2.3.4/33",
    "1.2.3.4/+1",
    "1.2.3.4/01",
    "1.2.3.4/",
    "1.2.3.256",
    "1.2.3",
    "::1.2.3.4",
    "fe80::1%eth0",
    "01.2.3.4",
  ],
  datetime: [
    "2024-01-01T00:00:00+0060",
    "2024-01-01T00:00:00+2359",
    "2024-01-01T00:00:00+2400",
    "2024-01-01T00:00:60Z",
    "2024-01-01T00:60:00Z",
    "2024-01-01T24:00:00Z",
    "2024-04-31",
    "2024-00-10",
    "2024-01-00",
    "2100-02-29",
    "2000-02-29",
    "2024-01-01Z",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.1Z",
    "2024-01-01T00:00:00.1234Z",
    "2024-01-01T00:00:00-00:00",
    "2024-1-1",
    "20240-01-01",
    "2024-01-01t00:00:00z",
  ],
  duration: [
    "",
    "-",
    "1",
    "1s1m",
    "1ms1s",
    "1h1h",
    "+1h",
    "1.5h",
    "1w",
    "00001h",
    "1H",
    "--1h",
    "1h ",
    "-1h-1m",
  ],
};
const edges = pick(
  ...Object.entries(EDGES).flatMap(([fn, texts]) => texts.map((text) => call(fn, value(text)))),
).map((one) => binary("==", one, one));

/** Texts of one value, or of two that differ little. */
const TWINS: readonly (readonly [fn: string, ...texts: string[]])[] = [
  ["ip", "10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/9", "10.0.0.0", "10.0.0.0/32"],
  ["ip", "::1", "0:0:0:0:0:0:0:1", "::0001/128", "::1/127", "::/127", "0.0.0.1"],
  ["decimal", "1.5", "1.50", "1.5000", "-1.5", "1.05", "1.0500"],
  ["decimal", "0.0", "-0.0", "0.0000", "0.0001"],
  ["datetime", "2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T01:00:00+0100"],
  ["datetime", "2023-12-31T23:00:00-0100", "2024-01-01", "2024-01-01T00:00:00.001Z"],
  ["duration", "1h", "60m", "3600s", "3600000ms", "-60m", "0d1h"],
  ["duration", "0ms", "-0ms", "0d0h", "1ms"],
];
const twins = fc
  .tuple(pick(...TWINS), fc.nat(), fc.nat(), pick("==", "contains", "isInRange"))
  .map(([[fn, ...texts], i, j, operator]) => {
    const a = call(fn, value(texts[i % texts.length]!));
    const b = call(fn, value(texts[j % texts.length]!));
    if (operator === "isInRange" && fn === "ip") return call("isInRange", a, b);
    return binary(operator === "==" ? "==" : "contains", operator === "==" ? a : { Set: [a] }, b);
  });

const addresses = fc.oneof(
  fc.tuple(anyIp, anyIp).map(([a, b]) => call("isInRange", a, b)),
  fc
    .tuple(pick("isIpv4", "isIpv6", "isLoopback", "isMulticast"), anyIp)
    .map(([fn, a]) => call(fn, a)),
);

const UNITS = ["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"] as const;
const early = pick(
  "1969-12-31T23:00:00.001Z",
  "1969-12-31",
  "1969-12-30T00:00:00.000Z",
  "1970-01-01",
  "1970-01-01T00:00:00.001Z",
).map((text) => call("datetime", value(text)));
const moments = fc.oneof(
  // Days before 1970 begin at midnight, too.
  fc.tuple(early, early).map(([a, b]) => binary("==", call("toDate", a), b)),
  fc
    .tuple(
      early,
      pick("0ms", "1ms", "23h1ms", "-1h").map((text) => call("duration", value(text))),
    )
    .map(([a, b]) => binary("==", call("toTime", a), b)),
  fc
    .tuple(pick(...COMPARISONS), anyDatetime, anyDatetime)
    .map(([compare, a, b]) => binary(compare, a, b)),
  fc
    .tuple(pick(...COMPARISONS), anyDuration, anyDuration)
    .map(([compare, a, b]) => binary(compare, a, b)),
  // What a far moment is: how long after the first of 1970, in each unit.
  fc
    .tuple(
      pick("offset", "toDate", "toTime", "self"),
      anyDatetime,
      anyDuration,
      pick(...UNITS),
      pick(...COMPARISONS),
      anyLong,
    )
    .map(([fn, a, b, unit, compare, c]) => {
      const far = call("offset", a, b);
      const since = (of: Expression) =>
        call("durationSince", of, call("datetime", value("1970-01-01")));
      const length = {
        offset: since(far),
        toDate: since(call("toDate", far)),
        toTime: call("toTime", far),
        self: b,
      }[fn];
      return binary(compare, call(unit, length!), c);
    }),
);

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
  arithmetic,
  negation,
  decimals,
  equalMade,
  edges,
  twins,
  addresses,
  moments,
  moments,
  like,
  sets,
  sets,
  records,
  hierarchy,
  tags,
  order,
  wrongKinds,
];
