import { type Json, SCHEMA_REF } from "../json-schema.ts";

/** What one value is in protobuf. `value` and `struct` are google.protobuf.Value and Struct: any JSON. */
export type Shape =
  | { readonly kind: "string" | "bool" | "int64" | "double" | "value" | "struct" }
  | { readonly kind: "message"; readonly message: Message };

export interface Field {
  readonly name: string;
  readonly shape: Shape;
  readonly many: "one" | "list" | "map";
  /** Absent and zero are two things: `optional` in the text. */
  readonly presence: boolean;
  /** What an absent field means in JSON: null, or that it is not there. */
  readonly absent: null | undefined;
  readonly required: boolean;
  readonly comment: string;
}

export interface Message {
  /** With the messages around it: `ChainWhyResponse.Call`. */
  readonly name: string;
  readonly fields: Field[];
  readonly nested: Message[];
  /** A union: its fields are the alternatives (one `oneof`), and this JSON property names the one that is meant. */
  readonly union?: string;
}

/** Where a schema is drawn: whether it is sent to us, and the messages that all share. */
export interface Scope {
  readonly io: "input" | "output";
  readonly schemas: Readonly<Record<string, Json>>;
  readonly shared: Map<string, Message>;
}

const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_]*$/;
const NULL = "null";
const VALUE: Shape = { kind: "value" };

/** A message with a field for each property. An input's scalars have presence, so that a forgotten amount is not 0. */
export function messageOf(name: string, schema: Json, scope: Scope): Message {
  const message: Message = { name, fields: [], nested: [] };
  fill(message, schema, scope);
  return message;
}

function fill(message: Message, schema: Json, scope: Scope): void {
  const required = new Set((schema["required"] ?? []) as string[]);
  for (const [name, property] of Object.entries(propertiesOf(schema)))
    message.fields.push(fieldOf(name, property, required.has(name), message, scope));
}

function fieldOf(
  name: string,
  property: Json,
  required: boolean,
  within: Message,
  scope: Scope,
): Field {
  const { schema, nullable } = withoutNull(property);
  const { shape, many } = drawn(name, schema, nullable, within, scope);
  const scalar = !["message", "value", "struct"].includes(shape.kind);
  const presence = many === "one" && scalar && (nullable || !required || scope.io === "input");
  const absent = nullable && required ? null : undefined;
  const comment = commentOf(property, schema, required);
  return { name, shape, many, presence, absent, required, comment };
}

/** One value, a list of them, or a map; what has no such form (a list of lists, a list or null) is a Value. */
function drawn(
  name: string,
  schema: Json,
  nullable: boolean,
  within: Message,
  scope: Scope,
): Pick<Field, "shape" | "many"> {
  if (schema["type"] === "array") {
    const shape = elementOf(name, schema["items"] as Json, within, scope);
    return nullable || shape === undefined
      ? { shape: VALUE, many: "one" }
      : { shape, many: "list" };
  }
  if (!isRecord(schema)) return { shape: shapeOf(name, schema, within, scope), many: "one" };
  const shape = elementOf(name, schema["additionalProperties"] as Json, within, scope);
  return nullable || shape === undefined || shape.kind === "value" || shape.kind === "struct"
    ? { shape: { kind: "struct" }, many: "one" }
    : { shape, many: "map" };
}

function elementOf(
  name: string,
  items: Json | true | undefined,
  within: Message,
  scope: Scope,
): Shape | undefined {
  if (typeof items !== "object") return VALUE;
  const { schema, nullable } = withoutNull(items);
  if (nullable || schema["type"] === "array" || isRecord(schema)) return undefined;
  return shapeOf(singular(name), schema, within, scope);
}

function shapeOf(name: string, schema: Json, within: Message, scope: Scope): Shape {
  const { $ref, type, anyOf } = schema as { $ref?: string; type?: string; anyOf?: Json[] };
  if ($ref !== undefined) return sharedOf($ref.slice(SCHEMA_REF.length), scope);
  const union = anyOf ?? (schema["oneOf"] as Json[] | undefined);
  if (union !== undefined) return unionOf(name, union, within, scope);
  if (type === "string") return { kind: "string" };
  if (type === "boolean") return { kind: "bool" };
  if (type === "integer") return { kind: "int64" };
  if (type === "number") return { kind: "double" };
  if (!isMessage(schema)) return VALUE;
  const message = messageOf(`${within.name}.${pascal(name)}`, schema, scope);
  within.nested.push(message);
  return { kind: "message", message };
}

/** A named schema is one message for all who refer to it; what it is not (a union, any JSON) is a Value. */
function sharedOf(name: string, scope: Scope): Shape {
  const schema = scope.schemas[name];
  if (schema === undefined || !isMessage(schema)) return VALUE;
  const own = scope.io === "input" ? `${name}Input` : name;
  let message = scope.shared.get(own);
  if (message === undefined) {
    message = { name: own, fields: [], nested: [] };
    scope.shared.set(own, message); // before its fields, which may refer to it
    fill(message, schema, scope);
  }
  return { kind: "message", message };
}

/** Alternatives of one scalar type are that type; objects told apart by a constant are a `oneof`; others a Value. */
function unionOf(name: string, union: readonly Json[], within: Message, scope: Scope): Shape {
  const shapes = union.map((one) => (typeof one["type"] === "string" ? one["type"] : ""));
  if (shapes[0] !== "object" && shapes.every((type) => type !== "" && type === shapes[0]))
    return shapeOf(name, { type: shapes[0] }, within, scope);
  const key = discriminatorOf(union);
  if (key === undefined) return VALUE;
  const message: Message = {
    name: `${within.name}.${pascal(name)}`,
    fields: [],
    nested: [],
    union: key,
  };
  within.nested.push(message);
  for (const one of union) {
    const { [key]: tag, ...properties } = propertiesOf(one);
    const alternative = String(tag!["const"]);
    const shape = shapeOf(alternative, { ...one, properties }, message, scope);
    const comment = (one["description"] ?? "") as string;
    message.fields.push({
      name: alternative,
      shape,
      many: "one",
      presence: false,
      absent: undefined,
      required: false,
      comment,
    });
  }
  return { kind: "message", message };
}

function discriminatorOf(union: readonly Json[]): string | undefined {
  if (!union.every((one) => isMessage(one))) return undefined;
  return Object.keys(propertiesOf(union[0]!)).find((key) => {
    const tags = union.map((one) => propertiesOf(one)[key]?.["const"]);
    return (
      new Set(tags).size === tags.length &&
      tags.every((tag) => typeof tag === "string" && IDENTIFIER.test(tag))
    );
  });
}

const propertiesOf = (schema: Json): Record<string, Json> =>
  (schema["properties"] ?? {}) as Record<string, Json>;

const isRecord = (schema: Json): boolean =>
  schema["type"] === "object" &&
  schema["properties"] === undefined &&
  typeof schema["additionalProperties"] === "object";

const isMessage = (schema: Json): boolean =>
  schema["type"] === "object" &&
  schema["properties"] !== undefined &&
  !(typeof schema["additionalProperties"] === "object") &&
  Object.keys(propertiesOf(schema)).every((name) => IDENTIFIER.test(name));

function withoutNull(schema: Json): { schema: Json; nullable: boolean } {
  const { type, anyOf, ...rest } = schema;
  if (Array.isArray(type)) {
    const types = (type as string[]).filter((one) => one !== NULL);
    const nullable = types.length < type.length;
    return types.length === 1
      ? { schema: { ...rest, type: types[0] }, nullable }
      : { schema: {}, nullable: false }; // a Value can be null itself
  }
  if (!Array.isArray(anyOf)) return { schema, nullable: false };
  const others = (anyOf as Json[]).filter((one) => one["type"] !== NULL);
  const nullable = others.length < anyOf.length;
  return { schema: others.length === 1 ? others[0]! : { ...rest, anyOf: others }, nullable };
}

function commentOf(property: Json, schema: Json, required: boolean): string {
  const { description, default: otherwise } = property;
  const values = (schema["enum"] ?? (schema["items"] as Json | undefined)?.["enum"]) as unknown[];
  return [
    typeof description === "string" ? `${description.replace(/\.$/, "")}.` : "",
    Array.isArray(values) ? `One of ${values.join(", ")}.` : "",
    schema["format"] === "date-time" ? "RFC 3339." : "",
    otherwise === undefined ? "" : `Default: ${JSON.stringify(otherwise)}.`,
    required ? "" : "Optional.",
  ]
    .filter((part) => part !== "" && (part !== "Optional." || otherwise === undefined))
    .join(" ");
}

/** `service-account` is ServiceAccount, `trace_hash` TraceHash. */
export const pascal = (name: string): string =>
  name
    .split(/[-_.]/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");

const singular = (name: string): string =>
  name.endsWith("ies") ? `${name.slice(0, -3)}y` : name.replace(/(?<=[^s])s$/, "");
