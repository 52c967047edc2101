import type { Entity } from "./entities.ts";
import type { EntityJson, EntityUid } from "./est.ts";
import { Malformed } from "./from-json.ts";
import type { Request } from "./policy-set.ts";
import {
  type CedarRecord,
  CedarSet,
  EntityRef,
  isExtension,
  keyOfUid,
  kindOf,
  type Value,
} from "./value.ts";

/** Cedar's JSON form of a schema: docs.cedarpolicy.com/schema/json-schema.html. */
export type SchemaJson = Readonly<Record<string, NamespaceJson>>;

interface NamespaceJson {
  readonly commonTypes?: Readonly<Record<string, TypeJson>>;
  readonly entityTypes: Readonly<Record<string, EntityTypeJson>>;
  readonly actions: Readonly<Record<string, ActionJson>>;
}

interface EntityTypeJson {
  readonly memberOfTypes?: readonly string[];
  readonly shape?: TypeJson;
  readonly tags?: TypeJson;
  /** The only ids that there are. */
  readonly enum?: readonly string[];
}

interface ActionJson {
  readonly appliesTo?: {
    readonly principalTypes: readonly string[];
    readonly resourceTypes: readonly string[];
    readonly context?: TypeJson;
  } | null;
  readonly memberOf?: readonly { readonly id: string; readonly type?: string }[];
}

export interface TypeJson {
  readonly type: string;
  readonly required?: boolean;
  readonly element?: TypeJson;
  readonly attributes?: Readonly<Record<string, TypeJson>>;
  readonly name?: string;
}

/** A type without names of common types: built-in ones and extensions by their names. */
export interface PlainType {
  readonly type: string;
  /** Of an entity. */
  readonly name?: string;
  /** Of a set. */
  readonly of?: PlainType;
}

export interface Attribute {
  readonly type: PlainType;
  readonly required: boolean;
}

/** A type with what it is made of, which is looked up when it is asked for: types may be nested deeply. */
export interface Shape extends Pick<PlainType, "type" | "name"> {
  /** Of an entity of an enumerated type: the only ids that there are. */
  readonly ids?: readonly string[];
  /** Of a set. */
  element(): Shape;
  /** Of a record. */
  fields(): ReadonlyMap<string, { readonly shape: Shape; readonly required: boolean }>;
}

const EXTENSIONS: readonly string[] = ["decimal", "ipaddr", "datetime", "duration"];

/**
 * What there may be in questions: entity types with their attributes, actions with what they apply to. Policies were
 * validated against it, which holds only for requests and entities that keep to it.
 */
export class Schema {
  readonly #types = new Map<string, EntityTypeJson & { readonly namespace: string }>();
  readonly #actions = new Map<
    string,
    ActionJson & { readonly namespace: string; readonly uid: EntityUid }
  >();
  readonly #groups = new Map<string, readonly string[]>();
  readonly #common = new Map<string, { readonly type: TypeJson; readonly namespace: string }>();

  constructor(json: SchemaJson) {
    for (const [namespace, { commonTypes = {}, entityTypes, actions }] of Object.entries(json)) {
      for (const [name, type] of Object.entries(commonTypes))
        this.#common.set(within(namespace, name), { type, namespace });
      for (const [name, type] of Object.entries(entityTypes))
        this.#types.set(within(namespace, name), { ...type, namespace });
      for (const [id, action] of Object.entries(actions)) {
        const uid = { type: within(namespace, "Action"), id };
        this.#actions.set(keyOfUid(uid.type, uid.id), { ...action, namespace, uid });
      }
    }
  }

  /** The actions that requests may be about. */
  get actions(): readonly EntityUid[] {
    return [...this.#actions.values()].filter(({ appliesTo }) => appliesTo).map(({ uid }) => uid);
  }

  /** An action and everything that it is in, as entities; nothing for one that is not declared. */
  lineageOf(action: EntityUid): EntityJson[] {
    const found = new Map<string, EntityJson>();
    const open = [action];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const key = keyOfUid(next.type, next.id);
      const declared = this.#actions.get(key);
      if (declared === undefined || found.has(key)) continue;
      const { uid, namespace, memberOf = [] } = declared;
      const parents = memberOf.map(({ id, type }) => ({
        type: type ?? within(namespace, "Action"),
        id,
      }));
      found.set(key, { uid, parents });
      open.push(...parents);
    }
    return [...found.values()];
  }

  /** What requests about an action may name as their resource. */
  resourceTypesOf({ type, id }: EntityUid): readonly string[] {
    const { appliesTo, namespace = "" } = this.#actions.get(keyOfUid(type, id)) ?? {};
    return (appliesTo?.resourceTypes ?? []).map((name) => this.#entityName(name, namespace));
  }

  /** Of an entity type; undefined when it is not declared. */
  attributesOf(type: string): ReadonlyMap<string, Attribute> | undefined {
    const found = this.#types.get(type);
    if (found === undefined) return undefined;
    const { type: shape, namespace } = this.#resolve(found.shape ?? EMPTY, found.namespace);
    return new Map(
      Object.entries(shape.attributes ?? {}).map(([name, of]) => [
        name,
        { type: this.#plain(of, namespace), required: of.required !== false },
      ]),
    );
  }

  /** What entities of a type can be in directly; undefined when it is not declared. */
  parentTypesOf(type: string): readonly string[] | undefined {
    const found = this.#types.get(type);
    return (
      found?.memberOfTypes?.map((name) => this.#entityName(name, found.namespace)) ?? (found && [])
    );
  }

  /** Whose principals do an action to which resources, and in what context; undefined when requests cannot be about it. */
  appliesTo(action: EntityUid):
    | {
        readonly principals: readonly string[];
        readonly resources: readonly string[];
        context: Shape;
      }
    | undefined {
    const found = this.#actions.get(keyOfUid(action.type, action.id));
    if (!found?.appliesTo) return undefined;
    const { namespace, appliesTo } = found;
    const named = (names: readonly string[]) =>
      names.map((name) => this.#entityName(name, namespace));
    return {
      principals: named(appliesTo.principalTypes),
      resources: named(appliesTo.resourceTypes),
      context: this.#shape(appliesTo.context ?? EMPTY, namespace),
    };
  }

  /** What entities of a type have; undefined when it is not declared. */
  shapeOf(type: string): Shape | undefined {
    const found = this.#types.get(type);
    return found && this.#shape(found.shape ?? EMPTY, found.namespace);
  }

  /** The only ids of an enumerated type; undefined for others. */
  idsOf(type: string): readonly string[] | undefined {
    return this.#types.get(type)?.enum;
  }

  #shape(wanted: TypeJson, from: string): Shape {
    const { type, namespace } = this.#resolve(wanted, from);
    const name = type.type === "Entity" ? this.#entityName(type.name!, namespace) : undefined;
    const ids = name === undefined ? undefined : this.idsOf(name);
    return {
      ...(name === undefined ? {} : { name }),
      ...(ids === undefined ? {} : { ids }),
      type: type.type === "Extension" ? type.name! : type.type,
      element: () => this.#shape(type.element!, namespace),
      fields: () =>
        new Map(
          Object.entries(type.attributes ?? {}).map(([name, of]) => [
            name,
            { shape: this.#shape(of, namespace), required: of.required !== false },
          ]),
        ),
    };
  }

  #plain(wanted: TypeJson, from: string): PlainType {
    const { type, namespace } = this.#resolve(wanted, from);
    if (type.type === "Entity")
      return { type: "Entity", name: this.#entityName(type.name!, namespace) };
    if (type.type === "Set") return { type: "Set", of: this.#plain(type.element!, namespace) };
    return { type: type.type === "Extension" ? type.name! : type.type };
  }

  /**
   * Throws `Malformed` for the first thing in a request that is not as declared. Who is `open` stands for any of its type:
   * nothing is told of it.
   */
  check(
    { principal, action, resource, context, entities }: Request,
    open: readonly ("principal" | "resource")[] = [],
  ): void {
    const found = this.#actions.get(action.key);
    if (found === undefined)
      throw new Malformed(
        "action",
        `there is no ${action.key} in the schema`,
        "Declare the action in the project's schema, or correct its name.",
      );
    const { principalTypes = [], resourceTypes = [], context: wanted } = found.appliesTo ?? {};
    const applies = (at: string, { type }: EntityRef, types: readonly string[]) => {
      const names = types.map((name) => this.#entityName(name, found.namespace));
      if (!names.includes(type))
        throw new Malformed(
          at,
          `${action.key} does not apply to a ${at} of type ${type}`,
          `It applies to ${listed(names)}.`,
        );
    };
    applies("principal", principal, principalTypes);
    applies("resource", resource, resourceTypes);
    this.#record(context, wanted ?? EMPTY, found.namespace, "context");
    const untold = open.includes("principal") ? principal.key : null;
    for (const entity of entities)
      if (!this.#actions.has(entity.ref.key) && entity.ref.key !== untold) this.#entity(entity);
    for (const [at, ref] of [
      ["principal", principal],
      ["resource", resource],
    ] as const)
      if (!open.includes(at) && entities.get(ref) === undefined) this.#absent(ref, at);
  }

  #entity({ ref, attrs, tags, parents }: Entity): void {
    const at = `entities ${ref.key}`;
    const type = this.#typeOf(ref, at);
    for (const parent of parents) this.#parent(ref.type, parent, at);
    this.#record(attrs, type.shape ?? EMPTY, type.namespace, `${at} attrs`);
    for (const [name, tag] of tags) {
      if (type.tags === undefined)
        throw new Malformed(
          `${at} tags`,
          `entities of type ${ref.type} have no tags`,
          "Leave them out, or declare tags of the type.",
        );
      this.#value(tag, type.tags, type.namespace, `${at} tags.${name}`);
    }
  }

  #typeOf(ref: EntityRef, at: string): EntityTypeJson & { readonly namespace: string } {
    const type = this.#types.get(ref.type);
    if (type === undefined)
      throw new Malformed(
        at,
        `there is no entity type ${ref.type} in the schema`,
        "Declare the type in the project's schema, or correct its name.",
      );
    this.#enumerated(ref, at);
    return type;
  }

  /** Of an enumerated type there are no others, wherever one is named. */
  #enumerated(ref: EntityRef, at: string): void {
    const ids = this.#types.get(ref.type)?.enum;
    if (ids !== undefined && !ids.includes(ref.id))
      throw new Malformed(
        at,
        `${ref.type} has no ${JSON.stringify(ref.id)}`,
        `It has ${listed(ids)}.`,
      );
  }

  #parent(type: string, parent: EntityRef, at: string): void {
    const names = this.#groupsOf(type);
    if (!names.includes(parent.type))
      throw new Malformed(at, `it cannot be in a ${parent.type}`, `It can be in ${listed(names)}.`);
    this.#enumerated(parent, at);
  }

  /** The types that entities of this one can be in, also through others: Cedar takes either for a parent. */
  #groupsOf(type: string): readonly string[] {
    let found = this.#groups.get(type);
    if (found === undefined) {
      const names = new Set<string>();
      const open = [type];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const { memberOfTypes = [], namespace = "" } = this.#types.get(next) ?? {};
        for (const name of memberOfTypes.map((one) => this.#entityName(one, namespace)))
          if (!names.has(name)) {
            names.add(name);
            open.push(name);
          }
      }
      found = [...names];
      this.#groups.set(type, found);
    }
    return found;
  }

  /** Policies may read what entities must have: those that have something must be told. */
  #absent(ref: EntityRef, at: string): void {
    const { shape = EMPTY, namespace } = this.#typeOf(ref, at);
    const needed = Object.entries(this.#resolve(shape, namespace).type.attributes ?? {})
      .filter(([, { required }]) => required !== false)
      .map(([name]) => name);
    if (needed.length > 0)
      throw new Malformed(
        at,
        `nothing is told of ${ref.key}, which must have ${needed.join(", ")}`,
        "Send it among `entities`, with its attributes.",
      );
  }

  #record(record: CedarRecord, wanted: TypeJson, from: string, at: string): void {
    const { type, namespace } = this.#resolve(wanted, from);
    const attributes = type.attributes ?? {};
    for (const [name, value] of record) {
      const field = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
      if (field === undefined)
        throw new Malformed(
          `${at}.${name}`,
          "the schema has no such attribute",
          "Leave it out, or declare it.",
        );
      this.#value(value, field, namespace, `${at}.${name}`);
    }
    for (const [name, { required }] of Object.entries(attributes))
      if (required !== false && !record.has(name))
        throw new Malformed(
          `${at}.${name}`,
          "the attribute is missing",
          "Send it, or declare it as optional.",
        );
  }

  #value(value: Value, wanted: TypeJson, from: string, at: string): void {
    const { type, namespace } = this.#resolve(wanted, from);
    switch (type.type) {
      case "String":
        return fits(typeof value === "string", value, "a string", at);
      case "Long":
        return fits(typeof value === "number" || typeof value === "bigint", value, "a long", at);
      case "Boolean":
        return fits(typeof value === "boolean", value, "a boolean", at);
      case "Entity": {
        const name = this.#entityName(type.name!, namespace);
        const is = value instanceof EntityRef && value.type === name;
        const written = `{"__entity": {"type": "${name}", "id": "…"}}`;
        fits(is, value, `an entity of type ${name}`, at, `Write it as ${written}.`);
        return this.#enumerated(value as EntityRef, at);
      }
      case "Extension": {
        const is = typeof value === "object" && isExtension(value) && value.extension === type.name;
        const written = `{"__extn": {"fn": "${type.name === "ipaddr" ? "ip" : type.name}", "arg": "…"}}`;
        return fits(is, value, `a value of type ${type.name}`, at, `Write it as ${written}.`);
      }
      case "Set": {
        fits(value instanceof CedarSet, value, "a set", at);
        for (const [i, member] of (value as CedarSet).members.entries())
          this.#value(member, type.element!, namespace, `${at}[${i}]`);
        return undefined;
      }
      default: {
        fits(value instanceof Map, value, "a record", at);
        return this.#record(value as CedarRecord, type, namespace, at);
      }
    }
  }

  /** A type by what it stands for: names of common types are followed, spellings of the built-in ones made one. */
  #resolve(
    type: TypeJson,
    namespace: string,
  ): { readonly type: TypeJson; readonly namespace: string } {
    const name = type.type === "EntityOrCommon" ? type.name! : type.type;
    const plain = name.replace(/^__cedar::/, "");
    if (plain === "Bool") return { type: { type: "Boolean" }, namespace };
    if (BUILT_IN.includes(plain) && type.type !== "EntityOrCommon")
      return { type: { ...type, type: plain }, namespace };
    const common = this.#common.get(within(namespace, name)) ?? this.#common.get(name);
    if (common !== undefined) return this.#resolve(common.type, common.namespace);
    if (EXTENSIONS.includes(plain)) return { type: { type: "Extension", name: plain }, namespace };
    if (BUILT_IN.includes(plain)) return { type: { type: plain }, namespace };
    return { type: { type: "Entity", name }, namespace };
  }

  /** A name as written within a namespace: that of a type there, or of one anywhere. */
  #entityName(name: string, namespace: string): string {
    const own = within(namespace, name);
    return this.#types.has(own) ? own : name;
  }
}

const BUILT_IN: readonly string[] = [
  "String",
  "Long",
  "Boolean",
  "Set",
  "Record",
  "Entity",
  "Extension",
];
const EMPTY: TypeJson = { type: "Record", attributes: {} };

const within = (namespace: string, name: string): string =>
  namespace === "" || name.includes("::") ? name : `${namespace}::${name}`;

const listed = (names: readonly string[]): string =>
  names.length === 0 ? "none" : names.join(", ");

function fits(
  is: boolean,
  value: Value,
  wanted: string,
  at: string,
  help = "Send what the schema declares.",
): void {
  if (!is) throw new Malformed(at, `${wanted} was expected, not ${kindOf(value)}`, help);
}
