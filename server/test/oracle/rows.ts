import fc from "fast-check";
import type {
  EntityJson,
  EntityUid,
  Expression,
  ValueJson,
} from "../../src/domains/authz/engine/index.ts";
import type { Mapping } from "../../src/domains/authz/filter/mapping.ts";
import { pick, uid } from "./values.ts";

/** Documents in a table, of a schema that is drawn: which attributes there are, which of them every row must have. */
export interface Library {
  readonly attributes: Readonly<Record<string, { kind: Kind; required: boolean }>>;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly id: string;
  readonly folder: string | null;
  readonly labels: readonly string[];
  readonly values: Readonly<Record<string, ValueJson>>;
}

export const KINDS = {
  String: { sql: "text", cedar: { type: "String" } },
  Long: { sql: "int8", cedar: { type: "Long" } },
  Boolean: { sql: "bool", cedar: { type: "Boolean" } },
  User: { sql: "text", cedar: { type: "Entity", name: "User" } },
  Account: { sql: "uuid", cedar: { type: "Entity", name: "Account" } },
  Group: { sql: "text", cedar: { type: "Entity", name: "Group" } },
  Folder: { sql: "text", cedar: { type: "Entity", name: "Folder" } },
  Users: { sql: "text[]", cedar: { type: "Set", element: { type: "Entity", name: "User" } } },
  Groups: { sql: "text[]", cedar: { type: "Set", element: { type: "Entity", name: "Group" } } },
  Strings: { sql: "text[]", cedar: { type: "Set", element: { type: "String" } } },
  Longs: { sql: "int8[]", cedar: { type: "Set", element: { type: "Long" } } },
  datetime: { sql: "timestamptz", cedar: { type: "Extension", name: "datetime" } },
  duration: { sql: "int8", cedar: { type: "Extension", name: "duration" } },
  decimal: { sql: "numeric", cedar: { type: "Extension", name: "decimal" } },
} as const;
export type Kind = keyof typeof KINDS;
const ALL = Object.keys(KINDS) as Kind[];

const USERS = ["ada", "bob", "o'hara"];
const ACCOUNTS = ["a", "b", "c"].map((c) => `${c.repeat(8)}-0000-4000-8000-${c.repeat(12)}`);
const GROUPS = ["staff", "admins", "all"];
const FOLDERS = ["f0", "f1", "f2", "f3", "nowhere"];
const LABELS = ["red", "blue"];
/** What a folder is in; those later in the list are above. */
export const FOLDER_PARENTS: Readonly<Record<string, string | null>> = {
  f0: "f1",
  f1: "f2",
  f2: null,
  f3: null,
};

export const TEXTS = ["", "a", "A", "ab", "a%b", "a_b", "axb", "a\\b", "ä", "𝒳y", "it's", "a*b"];
const LONGS = [-3, -1, 0, 1, 2, 3, 5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
const DATETIMES = [
  "2024-01-01T00:00:00.000Z",
  "2024-02-29T23:59:59.123Z",
  "1969-12-31T23:00:00.001Z",
];
const DURATIONS = ["0ms", "1d", "-1h", "90s", "86399999ms"];
const DECIMALS = ["0.0", "1.5", "-1.5", "12.3", "922337203685477.5807"];

const entity = (type: string, ids: readonly string[]) =>
  pick(...ids).map((id): ValueJson => ({ __entity: { type, id } }));
const extension = (fn: string, texts: readonly string[]) =>
  pick(...texts).map((arg): ValueJson => ({ __extn: { fn, arg } }));
const set = (of: fc.Arbitrary<ValueJson>) =>
  fc.array(of, { maxLength: 3 }) as fc.Arbitrary<ValueJson>;

export function valueOf(kind: Kind): fc.Arbitrary<ValueJson> {
  switch (kind) {
    case "String":
      return pick(...TEXTS);
    case "Long":
      return pick(...LONGS);
    case "Boolean":
      return fc.boolean();
    case "User":
      return entity("User", USERS);
    case "Account":
      return entity("Account", ACCOUNTS);
    case "Group":
      return entity("Group", GROUPS);
    case "Folder":
      return entity("Folder", FOLDERS);
    case "Users":
      return set(entity("User", USERS));
    case "Groups":
      return set(entity("Group", GROUPS));
    case "Strings":
      return set(pick(...TEXTS));
    case "Longs":
      return set(pick(...LONGS));
    case "datetime":
      return extension("datetime", DATETIMES);
    case "duration":
      return extension("duration", DURATIONS);
    case "decimal":
      return extension("decimal", DECIMALS);
  }
}

export const libraries = (rows: number): fc.Arbitrary<Library> =>
  fc
    .tuple(...ALL.map((kind) => fc.tuple(fc.constant(kind), fc.boolean(), fc.boolean())))
    .chain((drawn) => {
      const attributes = Object.fromEntries(
        drawn.flatMap(([kind, required, other]) => [
          [`the${kind}`, { kind, required }],
          [`other${kind}`, { kind, required: other }],
        ]),
      );
      const values = fc.tuple(
        ...Object.entries(attributes).map(([name, { kind, required }]) =>
          fc
            .option(valueOf(kind), { nil: undefined, freq: required ? 60 : 3 })
            .map((value) => [name, value] as const),
        ),
      );
      const row = fc.record({
        folder: fc.option(pick(...FOLDERS), { nil: null }),
        labels: fc.subarray(LABELS),
        values: values.map((all) =>
          Object.fromEntries(
            all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
          ),
        ),
      });
      return fc
        .array(row, { minLength: rows, maxLength: rows })
        .map((all) => ({ attributes, rows: all.map((one, i) => ({ ...one, id: `d${i}` })) }));
    });

/** Every value as PostgreSQL takes it. */
export function sqlOf(value: ValueJson | undefined): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map((member) => sqlOf(member as ValueJson));
  if (typeof value !== "object") return value;
  if ("__entity" in value) return (value.__entity as EntityUid).id;
  const { fn, arg } = (value as { __extn: unknown }).__extn as { fn: string; arg: string };
  return fn === "duration" ? MS[arg]! : arg;
}

const MS: Readonly<Record<string, number>> = {
  "0ms": 0,
  "1d": 86_400_000,
  "-1h": -3_600_000,
  "90s": 90_000,
  "86399999ms": 86_399_999,
};

export const schemaOf = ({ attributes }: Library) => ({
  "": {
    entityTypes: {
      User: {
        memberOfTypes: ["Group"],
        shape: { type: "Record", attributes: { level: { type: "Long", required: false } } },
      },
      Account: {},
      Group: { memberOfTypes: ["Group"] },
      Label: {},
      Folder: { memberOfTypes: ["Folder"] },
      Doc: {
        memberOfTypes: ["Folder", "Label"],
        shape: {
          type: "Record",
          attributes: Object.fromEntries(
            Object.entries(attributes).map(([name, { kind, required }]) => [
              name,
              { ...KINDS[kind].cedar, required },
            ]),
          ),
        },
      },
    },
    actions: {
      read: {
        appliesTo: {
          principalTypes: ["User"],
          resourceTypes: ["Doc"],
          context: {
            type: "Record",
            attributes: {
              n: { type: "Long", required: false },
              s: { type: "String", required: false },
              who: { type: "Entity", name: "User", required: false },
            },
          },
        },
      },
    },
  },
});

export const mappingOf = (name: string, { attributes }: Library): Mapping => ({
  schema: "library",
  table: `${name}_docs`,
  id: { column: "id" },
  parents: [
    { type: "Folder", column: "folder" },
    { type: "Label", schema: "library", table: `${name}_labels`, child: "doc", parent: "label" },
  ],
  attributes: Object.fromEntries(
    Object.entries(attributes).map(([attribute, { kind }]) => [
      attribute,
      { column: attribute, ...(kind === "Account" ? { as: "uuid" as const } : {}) },
    ]),
  ),
  hierarchy: {
    Folder: {
      schema: "library",
      table: "folders",
      id: { column: "id" },
      parents: [{ type: "Folder", column: "parent" }],
    },
  },
});

/** What a decision about one row is told. */
export const entitiesOfRow = (row: Row): EntityJson[] => [
  {
    uid: uid("Doc", row.id),
    attrs: row.values,
    parents: [
      ...(row.folder === null ? [] : [uid("Folder", row.folder)]),
      ...row.labels.map((id) => uid("Label", id)),
    ],
  },
  ...Object.entries(FOLDER_PARENTS).map(([id, parent]) => ({
    uid: uid("Folder", id),
    parents: parent === null ? [] : [uid("Folder", parent)],
  })),
];

/** What is told of who asks. */
export const TOLD: readonly EntityJson[] = [
  { uid: uid("User", "ada"), attrs: { level: 2 }, parents: [uid("Group", "staff")] },
  { uid: uid("User", "bob"), attrs: {}, parents: [uid("Group", "admins")] },
  { uid: uid("Group", "staff"), parents: [uid("Group", "all")] },
];

const resource: Expression = { Var: "resource" };
const of = (left: Expression, attr: string): Expression => ({ ".": { left, attr } });
const two =
  (name: string) =>
  ([left, right]: [Expression, Expression]): Expression =>
    ({ [name]: { left, right } }) as Expression;

/** A condition about documents: most of it has the types that the schema wants; optional attributes are mostly not asked for first. */
export function conditions(depth: number): fc.Arbitrary<Expression> {
  return bool(depth);
}

function operand(kind: Kind, depth: number): fc.Arbitrary<Expression> {
  const attribute = pick(`the${kind}`, `other${kind}`).map((name) => of(resource, name));
  const literal = valueOf(kind).map((Value): Expression => ({ Value }));
  const known: fc.Arbitrary<Expression> =
    kind === "Long"
      ? pick(of({ Var: "context" }, "n"), of({ Var: "principal" }, "level"))
      : kind === "String"
        ? fc.constant(of({ Var: "context" }, "s"))
        : kind === "User"
          ? pick<Expression>({ Var: "principal" }, of({ Var: "context" }, "who"))
          : literal;
  const leaf = fc.oneof(
    { weight: 5, arbitrary: attribute },
    { weight: 3, arbitrary: literal },
    { weight: 2, arbitrary: known },
  );
  if (depth <= 0) return leaf;
  const deeper = (next: Kind) => operand(next, depth - 1);
  const choice = fc
    .tuple(bool(depth - 1), deeper(kind), deeper(kind))
    .map(
      ([test, then, other]): Expression => ({ "if-then-else": { if: test, then, else: other } }),
    );
  const more: fc.Arbitrary<Expression>[] = [choice];
  const call = (fn: string, ...kinds: Kind[]) =>
    fc.tuple(...kinds.map(deeper)).map((args): Expression => ({ [fn]: args }));
  if (kind === "Long")
    more.push(
      pick("+", "-", "*").chain((name) => fc.tuple(deeper("Long"), deeper("Long")).map(two(name))),
      deeper("Long").map((arg): Expression => ({ neg: { arg } })),
      pick("toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays").chain((fn) =>
        call(fn, "duration"),
      ),
    );
  if (kind === "datetime")
    more.push(call("offset", "datetime", "duration"), call("toDate", "datetime"));
  if (kind === "duration")
    more.push(call("durationSince", "datetime", "datetime"), call("toTime", "datetime"));
  if (kind === "Longs")
    more.push(fc.array(deeper("Long"), { minLength: 1, maxLength: 2 }).map((Set) => ({ Set })));
  if (kind === "Users")
    more.push(fc.array(deeper("User"), { minLength: 1, maxLength: 2 }).map((Set) => ({ Set })));
  return fc.oneof(
    { weight: 3, arbitrary: leaf },
    ...more.map((arbitrary) => ({ weight: 1, arbitrary })),
  );
}

const MEMBERS: readonly (readonly [Kind, Kind])[] = [
  ["Users", "User"],
  ["Groups", "Group"],
  ["Strings", "String"],
  ["Longs", "Long"],
];

function bool(depth: number): fc.Arbitrary<Expression> {
  const leaf = fc.oneof(
    { weight: 2, arbitrary: pick("theBoolean", "otherBoolean").map((name) => of(resource, name)) },
    {
      weight: 3,
      arbitrary: pick(...ALL).map(
        (kind): Expression => ({ has: { left: resource, attr: `the${kind}` } }),
      ),
    },
    { weight: 1, arbitrary: fc.boolean().map((Value): Expression => ({ Value })) },
  );
  if (depth <= 0) return leaf;
  const b = fc.memo(() => bool(depth - 1))(1);
  const value = (kind: Kind) => operand(kind, depth - 1);
  const place = fc.oneof(
    valueOf("Folder").map((Value): Expression => ({ Value })),
    pick(...LABELS).map((id): Expression => ({ Value: { __entity: uid("Label", id) } })),
    fc.array(valueOf("Folder"), { maxLength: 2 }).map((Value): Expression => ({ Value })),
  );
  const group = fc
    .oneof(valueOf("Group"), valueOf("User"), valueOf("Groups"))
    .map((Value): Expression => ({ Value }));
  const compared = (kind: Kind, ...names: string[]) =>
    fc.tuple(pick(...names), value(kind), value(kind)).map(([name, l, r]) => two(name)([l, r]));
  const called = (fns: string[], kind: Kind) =>
    fc
      .tuple(pick(...fns), value(kind), value(kind))
      .map(([fn, l, r]): Expression => ({ [fn]: [l, r] }));
  return fc.oneof(
    { weight: 2, arbitrary: leaf },
    {
      weight: 5,
      arbitrary: fc.tuple(pick("&&", "||"), b, b).map(([name, l, r]) => two(name)([l, r])),
    },
    { weight: 2, arbitrary: b.map((arg): Expression => ({ "!": { arg } })) },
    {
      weight: 1,
      arbitrary: fc.tuple(b, b, b).map(
        ([test, then, other]): Expression => ({
          "if-then-else": { if: test, then, else: other },
        }),
      ),
    },
    { weight: 5, arbitrary: pick(...ALL).chain((kind) => compared(kind, "==", "!=")) },
    // Of two types: unequal.
    {
      weight: 1,
      arbitrary: fc.tuple(pick(...ALL).chain(value), pick(...ALL).chain(value)).map(two("==")),
    },
    {
      weight: 3,
      arbitrary: pick<Kind>("Long", "datetime", "duration").chain((kind) =>
        compared(kind, "<", "<=", ">", ">="),
      ),
    },
    {
      weight: 1,
      arbitrary: called(
        ["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"],
        "decimal",
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          value("String"),
          fc.array(
            fc.oneof(
              fc.constant("Wildcard" as const),
              pick(...TEXTS).map((Literal) => ({ Literal })),
            ),
            { minLength: 1, maxLength: 3 },
          ),
        )
        .map(([left, pattern]): Expression => ({ like: { left, pattern } })),
    },
    {
      weight: 2,
      arbitrary: pick(...MEMBERS).chain(([many, one]) =>
        fc.tuple(value(many), value(one)).map(two("contains")),
      ),
    },
    {
      weight: 2,
      arbitrary: pick(...MEMBERS).chain(([many]) => compared(many, "containsAll", "containsAny")),
    },
    {
      weight: 1,
      arbitrary: pick(...MEMBERS)
        .chain(([many]) => value(many))
        .map((arg): Expression => ({ isEmpty: { arg } })),
    },
    { weight: 3, arbitrary: place.map((right) => two("in")([resource, right])) },
    { weight: 1, arbitrary: place.map((right) => two("in")([of(resource, "theFolder"), right])) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(pick<Kind>("Group", "Groups", "User", "Users").chain(value))
        .map(([right]) => two("in")([{ Var: "principal" }, right])),
    },
    { weight: 1, arbitrary: group.map((right) => two("in")([{ Var: "principal" }, right])) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(value("User"), pick("User", "Group"))
        .map(([left, entity_type]): Expression => ({ is: { left, entity_type } })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(pick("Doc", "Folder"), place).map(
        ([entity_type, group]): Expression => ({
          is: { left: resource, entity_type, in: group },
        }),
      ),
    },
  );
}
