import fc from "fast-check";
import type {
  EntityJson,
  EntityUid,
  SchemaJson,
  ValueJson,
} from "../../src/domains/authz/engine/index.ts";
import type { RequestJson } from "./cases.ts";
import { anyValue, asValue, pick, uid, valueOf } from "./values.ts";

/** A schema, and questions of which some keep to it. */
export interface Declared {
  readonly schema: SchemaJson;
  readonly entities: readonly EntityJson[];
  readonly requests: readonly RequestJson[];
}

interface TypeJson {
  readonly type: string;
  readonly name?: string;
  readonly element?: TypeJson;
  readonly attributes?: Readonly<Record<string, TypeJson & { readonly required?: boolean }>>;
}

type Namespace = "" | "App";

/** Where each type is declared; Cedar takes no name twice. Colors are enumerated. */
const TYPES = {
  Group: "",
  Folder: "",
  User: "App",
  Team: "App",
  Doc: "App",
  Color: "App",
} as const;
type TypeName = keyof typeof TYPES;
const NAMES = Object.keys(TYPES) as TypeName[];
const COLORS = ["red", "blue"];

const full = (name: TypeName): string => (TYPES[name] === "" ? name : `${TYPES[name]}::${name}`);
/** As it may be written within a namespace: what is declared there needs none before it. */
const spelled = (name: TypeName, from: Namespace): fc.Arbitrary<string> =>
  TYPES[name] === from ? pick(name, full(name)) : fc.constant(full(name));

const IDS = ["1", "2", 'q"'];
const idsOf = (name: TypeName): readonly string[] => (name === "Color" ? COLORS : IDS);
const uidsOf = (name: TypeName): EntityUid[] => idsOf(name).map((id) => uid(full(name), id));
const EVERY = NAMES.flatMap(uidsOf);
/** Of no declared type, or not among the colors. */
const STRANGERS = [uid("Robot", "1"), uid("User", "1"), uid("App::Color", "green")];

const FIELDS = ["a", "b", "c", "has space"];
const EXTENSIONS = {
  decimal: "decimal",
  ipaddr: "ip",
  datetime: "datetime",
  duration: "duration",
} as const;
type ExtensionName = keyof typeof EXTENSIONS;

function typeIn(from: Namespace, depth: number): fc.Arbitrary<TypeJson> {
  const plain = fc.oneof(
    pick("String", "Long", "Boolean").chain((type) =>
      pick<TypeJson>(
        { type },
        { type: "EntityOrCommon", name: type === "Boolean" ? "Bool" : type },
      ),
    ),
    pick<TypeJson[]>(
      ...(Object.keys(EXTENSIONS) as ExtensionName[]).map((name) => [
        { type: "Extension", name },
        { type: "EntityOrCommon", name },
      ]),
    ).chain((forms) => pick(...forms)),
    pick(...NAMES)
      .chain((name) => fc.tuple(pick("Entity", "EntityOrCommon"), spelled(name, from)))
      .map(([type, name]): TypeJson => ({ type, name })),
    pick<TypeJson>(
      { type: from === "App" ? "Address" : "App::Address" },
      { type: "EntityOrCommon", name: "App::Address" },
    ),
  );
  if (depth === 0) return plain;
  return fc.oneof(
    { weight: 4, arbitrary: plain },
    {
      weight: 1,
      arbitrary: typeIn(from, depth - 1).map((element) => ({ type: "Set", element })),
    },
    { weight: 1, arbitrary: recordIn(from, depth - 1) },
  );
}

const recordIn = (from: Namespace, depth: number): fc.Arbitrary<TypeJson> =>
  fc
    .dictionary(
      pick(...FIELDS),
      fc
        .tuple(typeIn(from, depth), pick(true, false, undefined))
        .map(([type, required]) => (required === undefined ? type : { ...type, required })),
      { maxKeys: 3, noNullPrototype: true },
    )
    .map((attributes) => ({ type: "Record", attributes }));

/** The one common type: a record that others name. */
const ADDRESS: TypeJson = {
  type: "Record",
  attributes: { street: { type: "String" }, zip: { type: "Long", required: false } },
};

const entityType = (name: TypeName) => {
  const from = TYPES[name];
  if (name === "Color") return fc.constant({ enum: COLORS });
  return fc
    .tuple(
      fc.subarray(NAMES).chain((into) => fc.tuple(...into.map((one) => spelled(one, from)))),
      fc.option(recordIn(from, 1), { nil: undefined }),
      fc.option(typeIn(from, 0), { nil: undefined }),
    )
    .map(([memberOfTypes, shape, tags]) => ({
      memberOfTypes,
      ...(shape === undefined ? {} : { shape }),
      ...(tags === undefined ? {} : { tags }),
    }));
};

const actionIn = (from: Namespace, memberOf: readonly { id: string; type?: string }[]) =>
  fc
    .tuple(
      fc
        .subarray(NAMES, { minLength: 2 })
        .chain((of) => fc.tuple(...of.map((one) => spelled(one, from)))),
      fc
        .subarray(NAMES, { minLength: 2 })
        .chain((of) => fc.tuple(...of.map((one) => spelled(one, from)))),
      fc.option(recordIn(from, 1), { nil: undefined }),
    )
    .map(([principalTypes, resourceTypes, context]) => ({
      memberOf: [...memberOf],
      appliesTo: {
        principalTypes,
        resourceTypes,
        ...(context === undefined ? {} : { context }),
      },
    }));

const schema = fc
  .record({
    Group: entityType("Group"),
    Folder: entityType("Folder"),
    User: entityType("User"),
    Team: entityType("Team"),
    Doc: entityType("Doc"),
    Color: entityType("Color"),
    look: actionIn("", [{ id: "all" }]),
    view: actionIn("App", [{ id: "every" }, { id: "all", type: "Action" }]),
  })
  .map(
    ({ Group, Folder, User, Team, Doc, Color, look, view }): SchemaJson => ({
      "": { entityTypes: { Group, Folder }, actions: { all: {}, look } },
      App: {
        commonTypes: { Address: ADDRESS },
        entityTypes: { User, Team, Doc, Color },
        actions: { every: { memberOf: [] }, view },
      },
    }),
  );

/** Mostly what is declared; one time in so many something else. */
const ODDS = 200;
const mostly = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<T>, odds = ODDS): fc.Arbitrary<T> =>
  fc.oneof({ weight: odds, arbitrary: right }, { weight: 1, arbitrary: wrong });

/** A value of a declared type. Texts are none that Cedar would read as extension values where its schema wants them. */
function valueOfType({ type, name, element, attributes }: TypeJson): fc.Arbitrary<ValueJson> {
  const right = (): fc.Arbitrary<ValueJson> => {
    switch (type === "EntityOrCommon" || type.endsWith("Address") ? (name ?? type) : type) {
      case "String":
        return pick("", "a", "b");
      case "Long":
        return pick(-1, 0, Number.MAX_SAFE_INTEGER);
      case "Boolean":
      case "Bool":
        return fc.boolean();
      case "App::Address":
      case "Address":
        return recordOfType(ADDRESS);
      case "Record":
        return recordOfType({ type, attributes: attributes! });
      case "Set":
        return fc.array(valueOfType(element!), { maxLength: 3 });
    }
    if (Object.hasOwn(EXTENSIONS, name!))
      return valueOf(name === "ipaddr" ? "ip" : (name as "decimal"), 9);
    const own = NAMES.find((one) => one === name || full(one) === name)!;
    // A color that there is not is of the right type.
    const wrong = own === "Color" ? pick(uid(full(own), "green")) : pick(...EVERY, ...STRANGERS);
    return mostly(pick(...uidsOf(own)), wrong, own === "Color" ? 20 : ODDS).map(asValue);
  };
  return mostly(right(), anyValue(1));
}

function recordOfType({ attributes = {} }: TypeJson): fc.Arbitrary<Record<string, ValueJson>> {
  const fields = Object.entries(attributes).map(([field, declared]) =>
    fc
      .tuple(
        valueOfType(declared),
        declared.required === false ? fc.boolean() : mostly(fc.constant(true), fc.constant(false)),
      )
      .map(([value, there]) => (there ? [[field, value] as const] : [])),
  );
  const more = mostly(
    fc.constant<[string, ValueJson][]>([]),
    anyValue(1).map((value) => [["more", value]]),
  );
  return fc.tuple(...fields, more).map((all) => Object.fromEntries(all.flat()));
}

/** Types by their place in an order: each may be in those that come later, so there are no rings. */
const entitiesOf = (declared: SchemaJson): fc.Arbitrary<EntityJson[]> =>
  fc
    .tuple(
      ...EVERY.map((own, at) => entityOf(declared, own, EVERY.slice(at + 1))),
      mostly(
        fc.constant<EntityJson[]>([]),
        pick(...STRANGERS).map((of) => [{ uid: of }]),
      ),
    )
    .map((all) => all.flat());

function entityOf(
  declared: SchemaJson,
  own: EntityUid,
  later: readonly EntityUid[],
): fc.Arbitrary<EntityJson[]> {
  const name = NAMES.find((one) => full(one) === own.type)!;
  const { shape, tags, memberOfTypes = [] } = declared[TYPES[name]]!.entityTypes[name]!;
  const into = later.filter(({ type }) =>
    memberOfTypes.some((one) => one === type || `${TYPES[name]}::${one}` === type),
  );
  return fc
    .record({
      uid: fc.constant(own),
      attrs:
        shape === undefined ? recordOfType({ type: "Record" }) : recordOfType(shape as TypeJson),
      parents: mostly(
        fc.subarray(into, { maxLength: Math.min(2, into.length) }),
        pick(...later, ...STRANGERS).map((one) => [one]),
      ),
      tags:
        tags === undefined
          ? mostly(fc.constant({}), fc.constant({ t: 1 }))
          : fc.dictionary(pick("t", "u"), valueOfType(tags as TypeJson), {
              maxKeys: 2,
              noNullPrototype: true,
            }),
    })
    .map((entity) => [entity]);
}

function requestOf(declared: SchemaJson): fc.Arbitrary<RequestJson> {
  return pick<[Namespace, string]>(["", "look"], ["App", "view"]).chain(([from, id]) => {
    const { appliesTo } = declared[from]!.actions[id]!;
    const { principalTypes, resourceTypes, context } = appliesTo!;
    const of = (types: readonly string[]) =>
      mostly(
        pick(
          ...EVERY.filter(({ type }) =>
            types.some((one) => one === type || (from !== "" && `${from}::${one}` === type)),
          ),
        ),
        pick(...EVERY, ...STRANGERS),
        30,
      );
    return fc.record({
      principal: of(principalTypes),
      action: mostly(
        fc.constant(uid(from === "" ? "Action" : "App::Action", id)),
        pick(uid("Action", "all"), uid("Action", "view"), uid("App::Action", "nothing")),
        30,
      ),
      resource: of(resourceTypes),
      context: recordOfType((context as TypeJson | undefined) ?? { type: "Record" }),
    });
  });
}

export const declared: fc.Arbitrary<Declared> = schema.chain((one) =>
  fc.record({
    schema: fc.constant(one),
    entities: entitiesOf(one),
    requests: fc.array(requestOf(one), { minLength: 6, maxLength: 6 }),
  }),
);
