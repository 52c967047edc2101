import { Entities, type Entity } from "./entities.ts";
import type { EntityJson, EntityUid, ValueJson } from "./est.ts";
import { CONSTRUCTORS, call } from "./extension/index.ts";
import { CedarSet, EntityRef, Failure, type Value } from "./value.ts";

/** JSON that is no value, entity or context: where, what is wrong, what to do. */
export class Malformed extends Error {
  /** A path in the JSON as one reads it: `context.tags[2]`. */
  readonly at: string;
  readonly help: string;
  constructor(at: string, message: string, help: string) {
    super(message);
    this.at = at;
    this.help = help;
  }
}

const DEPTH_MAX = 32;

/** A value from Cedar's JSON form of it. Entities are `{"__entity": {type, id}}`, extension values `{"__extn": {fn, arg}}`. */
export function valueOf(json: unknown, at: string, depth = 0): Value {
  if (typeof json === "boolean" || typeof json === "string") return json;
  if (typeof json === "number") return integer(json, at);
  if (typeof json !== "object" || json === null)
    throw new Malformed(at, "null is no value", "Leave the attribute out.");
  if (depth >= DEPTH_MAX)
    throw new Malformed(at, `deeper than ${DEPTH_MAX}`, "Flatten it: policies read a few levels.");
  if (Array.isArray(json))
    return new CedarSet(json.map((member, i) => valueOf(member, `${at}[${i}]`, depth + 1)));
  if (Object.hasOwn(json, "__entity"))
    return uidOf((json as { readonly __entity: unknown }).__entity, `${at}.__entity`);
  if (Object.hasOwn(json, "__extn")) return extension(json as never, at);
  return recordOf(json as Readonly<Record<string, unknown>>, at, depth);
}

export function recordOf(
  json: Readonly<Record<string, unknown>>,
  at: string,
  depth = 0,
): ReadonlyMap<string, Value> {
  const fields = new Map<string, Value>();
  for (const name in json)
    if (Object.hasOwn(json, name))
      fields.set(name, valueOf(json[name], `${at}.${name}`, depth + 1));
  return fields;
}

/** JSON readers round what is longer, so what comes as more cannot be believed. */
function integer(json: number, at: string): number {
  if (Number.isSafeInteger(json)) return json + 0;
  throw new Malformed(
    at,
    `${json} is no whole number between -(2^53 - 1) and 2^53 - 1`,
    'Send whole numbers in small units (cents), or decimals as {"__extn": {"fn": "decimal", "arg": "1.25"}}.',
  );
}

function extension(json: { readonly __extn: unknown }, at: string): Value {
  const { fn, arg } = (json.__extn ?? {}) as { readonly fn?: unknown; readonly arg?: unknown };
  if (typeof fn !== "string" || !CONSTRUCTORS.has(fn) || typeof arg !== "string")
    throw new Malformed(
      at,
      "no extension value",
      `It is {"__extn": {"fn": F, "arg": TEXT}} with F one of ${[...CONSTRUCTORS].join(", ")}.`,
    );
  const made = call(fn, [arg]);
  if (made instanceof Failure) throw new Malformed(at, made.message, "Correct the text.");
  return made;
}

function uidOf(json: unknown, at: string): EntityRef {
  const { type, id } = (json ?? {}) as Partial<EntityUid>;
  if (typeof type !== "string" || typeof id !== "string" || !TYPE.test(type))
    throw new Malformed(at, "no entity's name", 'It is {"type": "User", "id": "ada"}.');
  return new EntityRef(type, id);
}

/** Identifiers, joined by `::`. */
const TYPE = /^[A-Za-z_]\w*(::[A-Za-z_]\w*)*$/;

/** Entities from Cedar's JSON form; refuses two of one name, rings, and a hierarchy that is too deep. */
export function entitiesOf(json: readonly EntityJson[], at = "entities"): Entities {
  const known = new Map<string, Entity>();
  for (const [i, one] of json.entries()) {
    const entity = entityOf(one, `${at}[${i}]`);
    if (known.has(entity.ref.key))
      throw new Malformed(`${at}[${i}]`, `${entity.ref.key} is there twice`, "Send it once.");
    known.set(entity.ref.key, entity);
  }
  const entities = new Entities(known.values());
  const flaw = entities.flaw();
  if (flaw !== null) throw new Malformed(at, flaw, "Correct the parents of these entities.");
  return entities;
}

function entityOf({ uid, attrs = {}, parents = [], tags = {} }: EntityJson, at: string): Entity {
  return {
    ref: uidOf(plain(uid), `${at}.uid`),
    attrs: recordOf(attrs, `${at}.attrs`),
    tags: recordOf(tags, `${at}.tags`),
    parents: parents.map((parent, i) => uidOf(plain(parent), `${at}.parents[${i}]`)),
  };
}

const plain = (uid: EntityJson["uid"]): EntityUid => ("__entity" in uid ? uid.__entity : uid);

/** A value in Cedar's JSON form, sets in the order of their writing. Longs beyond 2^53 become text. */
export function jsonOf(value: Value): ValueJson {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object") return value;
  if (value instanceof EntityRef) return { __entity: { type: value.type, id: value.id } };
  if (value instanceof CedarSet) return value.members.map(jsonOf);
  if ("extension" in value) {
    const fn = value.extension === "ipaddr" ? "ip" : value.extension;
    return { __extn: { fn, arg: value.text } };
  }
  return Object.fromEntries([...value].map(([name, field]) => [name, jsonOf(field)]));
}
