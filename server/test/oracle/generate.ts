import fc from "fast-check";
import type {
  ActionScope,
  EntityJson,
  EntityUid,
  Expression,
  Policy,
  PolicySetJson,
  Scope,
  Slot,
  TemplateLink,
  ValueJson,
} from "../../src/domains/authz/engine/index.ts";

/** A case that both engines decide: policies, what is known, and questions about it. */
export interface Case {
  readonly policies: PolicySetJson;
  readonly entities: readonly EntityJson[];
  readonly requests: readonly RequestJson[];
}

export interface RequestJson {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: Readonly<Record<string, ValueJson>>;
}

type Kind =
  | "bool"
  | "long"
  | "string"
  | "entity"
  | "decimal"
  | "ip"
  | "datetime"
  | "duration"
  | "record"
  | "set";

const uid = (type: string, id: string): EntityUid => ({ type, id });

/** Few names, so that policies and requests meet. Ghosts are in no store. */
const USERS = ["ada", "bob", 'q"uote', "ghost"].map((id) => uid("User", id));
const GROUPS = ["staff", "admins", "all"].map((id) => uid("Org::Group", id));
const PHOTOS = ["p1", "p2", "ghost"].map((id) => uid("Photo", id));
const ALBUMS = ["a1", "a2"].map((id) => uid("Album", id));
const ACTIONS = ["view", "edit", "delete"].map((id) => uid("Action", id));
const ACTION_GROUPS = ["read", "write"].map((id) => uid("Action", id));

const pick = <T>(...of: readonly T[]) => fc.constantFrom(...of);

/** Attributes have one kind each in most entities, and another in some. */
const ATTRIBUTES: Readonly<Record<string, Kind>> = {
  age: "long",
  name: "string",
  active: "bool",
  manager: "entity",
  limit: "decimal",
  address: "ip",
  since: "datetime",
  ttl: "duration",
  address2: "record",
  labels: "set",
};
const names = pick(...Object.keys(ATTRIBUTES), "missing", "__proto__", "has space");

const long = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 5 }) },
  {
    weight: 1,
    arbitrary: pick(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 4_611_686_018, 0),
  },
);
const text = fc.oneof(
  { weight: 6, arbitrary: pick("a", "b", "ab", "a*b", "", "staff", "äö", "𝒳y", "color", 'q"') },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }) },
);
const decimalText = pick("0.0", "1.5", "1.50", "-1.5", "1.0000", "922337203685477.5807", "12.3");
const ipText = pick(
  "127.0.0.1",
  "127.0.0.1/32",
  "10.0.0.0/8",
  "10.1.2.3",
  "10.1.2.3/24",
  "224.0.0.1",
  "::1",
  "ff02::1",
  "2001:db8::/32",
  "2001:DB8::5",
  "0.0.0.0/0",
  "127.0.0.0/7",
);
const datetimeText = pick(
  "2024-01-01",
  "2024-02-29T23:59:59Z",
  "2024-02-29T23:59:59.123Z",
  "1969-12-31T23:00:00.001Z",
  "2024-01-01T00:00:00+0100",
  "0001-01-01",
  "9999-12-31T23:59:59.999-2359",
);
const durationText = pick("1d", "-1d", "1h30m", "0ms", "1d2h3m4s5ms", "-90m", "36500000d");
/** Also texts that are no value of their type: constructors in policies fail on them. */
const broken = pick(
  "",
  "x",
  "1",
  "1.23456",
  "10.0.0.0/33",
  "010.0.0.1",
  "::ffff:1.2.3.4",
  "1::2::3",
  "2023-02-29",
  "2024-01-01T24:00:00Z",
  "2024-13-01",
  "1m1h",
  "ms",
  "-",
  "99999999999999999999d",
  "+1.0",
  "1.",
  ".5",
  "-0.0",
  "1:2:3:4:5:6:7::",
  "127.0.0.1/08",
  "2024-01-01T00:00:00",
  "2024-01-01T00:00:00+2400",
);

const extn = (fn: string, arg: string): ValueJson => ({ __extn: { fn, arg } });
const entity = pick(...USERS, ...GROUPS, ...PHOTOS, ...ALBUMS, ...ACTIONS);
const asValue = (of: EntityUid): ValueJson => ({ __entity: of });

function valueOf(kind: Kind, depth: number): fc.Arbitrary<ValueJson> {
  switch (kind) {
    case "bool":
      return fc.boolean();
    case "long":
      return long;
    case "string":
      return text;
    case "entity":
      return entity.map(asValue);
    case "decimal":
      return decimalText.map((arg) => extn("decimal", arg));
    case "ip":
      return ipText.map((arg) => extn("ip", arg));
    case "datetime":
      return datetimeText.map((arg) => extn("datetime", arg));
    case "duration":
      return durationText.map((arg) => extn("duration", arg));
    case "record":
      return fc.dictionary(names, anyValue(depth + 1), { maxKeys: 3, noNullPrototype: true });
    case "set":
      return fc.array(anyValue(depth + 1), { maxLength: 3 });
  }
}

const SCALARS = [
  "bool",
  "long",
  "string",
  "entity",
  "decimal",
  "ip",
  "datetime",
  "duration",
] as const;

const kinds: fc.Arbitrary<Kind> = pick<Kind>(...SCALARS, "record", "set");

function anyValue(depth: number): fc.Arbitrary<ValueJson> {
  return (depth > 2 ? pick<Kind>(...SCALARS) : kinds).chain((kind) => valueOf(kind, depth));
}

const attributes: fc.Arbitrary<Record<string, ValueJson>> = fc
  .array(
    fc.tuple(names, fc.integer({ max: 9, min: 0 })).chain(([name, odds]) => {
      const kind = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined;
      const value = kind === undefined || odds === 0 ? anyValue(0) : valueOf(kind, 0);
      return value.map((found) => [name, found] as const);
    }),
    { maxLength: 8 },
  )
  .map((fields) => Object.fromEntries(fields));

// --- expressions -------------------------------------------------------------------------------------------------

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
function expression(kind: Kind, depth: number): fc.Arbitrary<Expression> {
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

// --- policies ----------------------------------------------------------------------------------------------------

const scopeOf = (
  own: readonly EntityUid[],
  groups: readonly EntityUid[],
  slot: Slot | null,
): fc.Arbitrary<Scope> => {
  const named = (of: readonly EntityUid[]) =>
    slot === null ? pick(...of).map((entity) => ({ entity })) : fc.constant({ slot });
  const type = pick(own[0]!.type, own[0]!.type, "Nobody");
  const slotted = fc.oneof(
    named(own).map((of): Scope => ({ op: "==", ...of })),
    named([...groups, ...own]).map((of): Scope => ({ op: "in", ...of })),
    fc
      .tuple(type, named(groups))
      .map(([entity_type, of]): Scope => ({ op: "is", entity_type, in: of })),
  );
  if (slot !== null) return slotted;
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant<Scope>({ op: "All" }) },
    { weight: 5, arbitrary: slotted },
    { weight: 1, arbitrary: type.map((entity_type): Scope => ({ op: "is", entity_type })) },
  );
};

const actionScope: fc.Arbitrary<ActionScope> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<ActionScope>({ op: "All" }) },
  { weight: 2, arbitrary: pick(...ACTIONS).map((entity): ActionScope => ({ op: "==", entity })) },
  {
    weight: 2,
    arbitrary: pick(...ACTION_GROUPS, ...ACTIONS).map(
      (entity): ActionScope => ({ op: "in", entity }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .array(pick(...ACTION_GROUPS, ...ACTIONS), { maxLength: 3 })
      .map((entities): ActionScope => ({ op: "in", entities })),
  },
);

const policyWith = (principal: Slot | null, resource: Slot | null): fc.Arbitrary<Policy> =>
  fc.record({
    effect: fc.oneof(
      { weight: 3, arbitrary: fc.constant("permit" as const) },
      { weight: 1, arbitrary: fc.constant("forbid" as const) },
    ),
    principal: scopeOf(USERS, GROUPS, principal),
    action: actionScope,
    resource: scopeOf(PHOTOS, ALBUMS, resource),
    conditions: fc.array(
      fc.record({
        kind: pick("when" as const, "when" as const, "unless" as const),
        body: expression("bool", 3),
      }),
      { maxLength: 2 },
    ),
  });

const policies: fc.Arbitrary<PolicySetJson> = fc
  .record({
    statics: fc.array(policyWith(null, null), { maxLength: 5 }),
    templates: fc.array(
      pick<[Slot | null, Slot | null]>(
        ["?principal", null],
        [null, "?resource"],
        ["?principal", "?resource"],
      ).chain(([principal, resource]) =>
        fc.tuple(
          policyWith(principal, resource),
          fc.array(
            fc.record({
              ...(principal === null ? {} : { "?principal": pick(...USERS, ...GROUPS) }),
              ...(resource === null ? {} : { "?resource": pick(...PHOTOS, ...ALBUMS) }),
            }),
            { maxLength: 2 },
          ),
        ),
      ),
      { maxLength: 2 },
    ),
  })
  .map(({ statics, templates }) => ({
    staticPolicies: Object.fromEntries(statics.map((policy, i) => [`policy${i}`, policy])),
    templates: Object.fromEntries(templates.map(([template], i) => [`template${i}`, template])),
    templateLinks: templates.flatMap(([, links], i) =>
      links.map(
        (values, n): TemplateLink => ({
          templateId: `template${i}`,
          newId: `link${i}.${n}`,
          values,
        }),
      ),
    ),
  }));

// --- what is known -----------------------------------------------------------------------------------------------

const isKnown = ({ id }: EntityUid): boolean => id !== "ghost";

/** Each may be in entities that come later, so there are no rings. */
const ORDER = [...USERS, ...PHOTOS, ...ALBUMS, ...GROUPS].filter(isKnown);
const ACTION_ENTITIES: EntityJson[] = [
  { uid: ACTIONS[0]!, attrs: {}, parents: [ACTION_GROUPS[0]!] },
  { uid: ACTIONS[1]!, attrs: {}, parents: [ACTION_GROUPS[1]!] },
  { uid: ACTION_GROUPS[1]!, attrs: {}, parents: [ACTION_GROUPS[0]!] },
];

const entities: fc.Arbitrary<EntityJson[]> = fc
  .tuple(
    ...ORDER.map((own, at) =>
      fc.record({
        uid: fc.constant(own),
        attrs: attributes,
        parents: fc.subarray(ORDER.slice(at + 1)),
        tags: fc.dictionary(pick("t1", "t2"), anyValue(1), { maxKeys: 2, noNullPrototype: true }),
      }),
    ),
  )
  .chain((all) => fc.subarray([...all, ...ACTION_ENTITIES], { minLength: 4 }));

const request: fc.Arbitrary<RequestJson> = fc.record({
  principal: pick(...USERS),
  action: pick(...ACTIONS),
  resource: pick(...PHOTOS),
  context: attributes,
});

export const cases: fc.Arbitrary<Case> = fc.record({
  policies,
  entities,
  requests: fc.array(request, { minLength: 1, maxLength: 4 }),
});
