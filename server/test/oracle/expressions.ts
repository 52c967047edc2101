import fc from "fast-check";
import type { Expression } from "../../src/domains/authz/engine/index.ts";
import {
  ATTRIBUTES,
  broken,
  datetimeText,
  decimalText,
  durationText,
  ipText,
  type Kind,
  kinds,
  names,
  pick,
  SCALARS,
  text,
  USERS,
  valueOf,
} from "./values.ts";

const literal = (kind: Kind): fc.Arbitrary<Expression> => {
  const made = (fn: string, good: fc.Arbitrary<string>): fc.Arbitrary<Expression> =>
    fc
      .oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: broken })
      .map((arg) => ({ [fn]: [{ Value: arg }] }));
  switch (kind) {
    case "bool":
    case "long":
    case "string":
    case "entity":
      return valueOf(kind, 9).map((Value) => ({ Value }));
    case "decimal":
      return made("decimal", decimalText);
    case "ip":
      return made("ip", ipText);
    case "datetime":
      return made("datetime", datetimeText);
    case "duration":
      return made("duration", durationText);
    case "record":
      return fc
        .dictionary(names, pick(...SCALARS).chain(literal), { maxKeys: 2, noNullPrototype: true })
        .map((Record) => ({ Record }));
    case "set":
      return fc.array(pick(...SCALARS).chain(literal), { maxLength: 3 }).map((Set) => ({ Set }));
  }
};

const variable: fc.Arbitrary<Expression> = pick(
  "principal" as const,
  "action" as const,
  "resource" as const,
).map((Var) => ({
  Var,
}));
const holder: fc.Arbitrary<Expression> = fc.oneof(
  {
    weight: 3,
    arbitrary: pick("principal" as const, "resource" as const, "context" as const).map((Var) => ({
      Var,
    })),
  },
  { weight: 1, arbitrary: pick(...USERS).map((of) => ({ Value: { __entity: of } })) },
);

/** An attribute that mostly is of this kind. */
const attributeOf = (kind: Kind): fc.Arbitrary<Expression> => {
  const fitting = Object.keys(ATTRIBUTES).filter((name) => ATTRIBUTES[name] === kind);
  return fc
    .tuple(holder, fitting.length === 0 ? names : pick(...fitting))
    .map(([left, attr]) => ({ ".": { left, attr } }));
};

const pair =
  (operator: string) =>
  ([left, right]: [Expression, Expression]): Expression => ({ [operator]: { left, right } });

/** An expression that mostly is of this kind. */
export function expression(kind: Kind, depth: number): fc.Arbitrary<Expression> {
  const leaf = fc.oneof(
    { weight: 4, arbitrary: literal(kind) },
    { weight: 4, arbitrary: attributeOf(kind) },
    { weight: kind === "entity" ? 6 : 0, arbitrary: variable },
  );
  if (depth <= 0) return leaf;
  const e = (of: Kind) => fc.memo(() => expression(of, depth - 1))(1);
  const test = fc
    .tuple(e("bool"), e(kind), e(kind))
    .map(
      ([test, then, other]): Expression => ({ "if-then-else": { if: test, then, else: other } }),
    );
  return fc.oneof(
    { weight: 5, arbitrary: leaf },
    { weight: 1, arbitrary: test },
    { weight: 10, arbitrary: compound(kind, e) },
    // Of another kind: a failure, where it is reached.
    { weight: 1, arbitrary: kinds.chain(e) },
  );
}

function compound(kind: Kind, e: (of: Kind) => fc.Arbitrary<Expression>): fc.Arbitrary<Expression> {
  const operators = (of: Kind, ...list: string[]) =>
    fc.tuple(pick(...list), e(of), e(of)).map(([operator, a, b]) => pair(operator)([a, b]));
  const method = (fn: string, ...of: Kind[]): fc.Arbitrary<Expression> =>
    fc.tuple(...of.map(e)).map((args) => ({ [fn]: args }));
  switch (kind) {
    case "bool":
      return fc.oneof(
        { weight: 6, arbitrary: operators("bool", "&&", "||") },
        { weight: 2, arbitrary: e("bool").map((arg): Expression => ({ "!": { arg } })) },
        { weight: 3, arbitrary: operators("long", "<", "<=", ">", ">=", "==", "!=") },
        { weight: 1, arbitrary: operators("datetime", "<", "<=", ">", ">=", "==") },
        { weight: 1, arbitrary: operators("duration", "<", "<=", ">", ">=", "==") },
        {
          weight: 3,
          arbitrary: kinds.chain((of) => fc.tuple(e(of), e(of)).map(pair("=="))),
        },
        { weight: 4, arbitrary: fc.tuple(e("entity"), e("entity")).map(pair("in")) },
        {
          weight: 2,
          arbitrary: fc
            .tuple(e("entity"), fc.array(e("entity"), { maxLength: 3 }))
            .map(([left, Set]) => pair("in")([left, { Set }])),
        },
        { weight: 3, arbitrary: fc.tuple(e("set"), kinds.chain(e)).map(pair("contains")) },
        { weight: 2, arbitrary: operators("set", "containsAll", "containsAny", "==") },
        { weight: 1, arbitrary: e("set").map((arg): Expression => ({ isEmpty: { arg } })) },
        { weight: 3, arbitrary: hasAttribute },
        {
          weight: 2,
          arbitrary: fc
            .tuple(
              e("string"),
              fc.array(
                fc.oneof(
                  pick("Wildcard" as const),
                  text.map((Literal) => ({ Literal })),
                ),
                { minLength: 1, maxLength: 4 },
              ),
            )
            .map(([left, pattern]): Expression => ({ like: { left, pattern } })),
        },
        {
          weight: 2,
          arbitrary: fc
            .tuple(
              e("entity"),
              pick("User", "Org::Group", "Photo", "Nobody"),
              fc.option(e("entity"), { nil: undefined }),
            )
            .map(
              ([left, entity_type, group]): Expression => ({
                is: { left, entity_type, ...(group === undefined ? {} : { in: group }) },
              }),
            ),
        },
        { weight: 1, arbitrary: fc.tuple(e("entity"), e("string")).map(pair("hasTag")) },
        {
          weight: 1,
          arbitrary: pick("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual").chain(
            (fn) => method(fn, "decimal", "decimal"),
          ),
        },
        {
          weight: 1,
          arbitrary: pick("isIpv4", "isIpv6", "isLoopback", "isMulticast").chain((fn) =>
            method(fn, "ip"),
          ),
        },
        { weight: 1, arbitrary: method("isInRange", "ip", "ip") },
      );
    case "long":
      return fc.oneof(
        operators("long", "+", "-", "*"),
        e("long").map((arg): Expression => ({ neg: { arg } })),
        pick("toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays").chain((fn) =>
          method(fn, "duration"),
        ),
      );
    case "datetime":
      return fc.oneof(method("offset", "datetime", "duration"), method("toDate", "datetime"));
    case "duration":
      return fc.oneof(
        method("durationSince", "datetime", "datetime"),
        method("toTime", "datetime"),
      );
    case "string":
    case "entity":
      return fc
        .tuple(
          e("entity"),
          pick("t1", "t2").map((Value): Expression => ({ Value })),
        )
        .map(pair("getTag"));
    case "set":
      return fc.array(kinds.chain(e), { maxLength: 3 }).map((Set) => ({ Set }));
    case "record":
      return fc
        .dictionary(names, kinds.chain(e), { maxKeys: 2, noNullPrototype: true })
        .map((Record) => ({ Record }));
    default:
      return literal(kind);
  }
}

const hasAttribute: fc.Arbitrary<Expression> = fc
  .tuple(
    holder,
    fc.oneof(
      names,
      fc.array(
        names.filter((name) => /^\w+$/.test(name)),
        { minLength: 1, maxLength: 3 },
      ),
    ),
  )
  .map(([left, attr]) => ({ has: { left, attr } }));
