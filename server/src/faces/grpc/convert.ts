import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message as Proto,
  toJson,
  type UnknownField,
} from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Field, Message, Shape } from "./shape.ts";

/** A protobuf message as the library holds it: properties by the descriptors' local names. */
type Loose = Record<string, unknown> & { $unknown?: UnknownField[] };
type Properties = Record<string, unknown>;

/** What a message says, as the operation's input. Never trusts: the operation's schema decides what fits. */
export function inputOf(message: Message, desc: DescMessage, proto: Proto): Properties {
  const from = proto as unknown as Loose;
  const input: Properties = message.union === undefined ? {} : alternativeOf(message, desc, from);
  if (message.union === undefined)
    for (const [field, described] of pairs(message, desc)) {
      const value = readField(field, described, from[described.localName]);
      if (value !== undefined) define(input, field.name, value);
    }
  // A field of a newer API must not be lost in silence: its name is refused like any that is unknown.
  for (const { no } of from.$unknown ?? []) input[`field number ${no}`] = "";
  return input;
}

/** An operation's output, as what `create` makes a message of. */
export function outputOf(message: Message, desc: DescMessage, output: unknown): Proto {
  const from = output as Properties;
  const init: Properties = {};
  if (message.union !== undefined) {
    const [field, described] = pairs(message, desc).find(
      ([{ name }]) => name === from[message.union!],
    )!;
    const value = outputOf(messageIn(field.shape), described.message!, from);
    init[described.oneof!.localName] = { case: described.localName, value };
    return create(desc, init);
  }
  for (const [field, described] of pairs(message, desc)) {
    const value = from[field.name];
    const absent = value === undefined || (value === null && field.shape.kind !== "value");
    if (!absent) init[described.localName] = writeField(field, described, value);
  }
  return create(desc, init);
}

function alternativeOf(message: Message, desc: DescMessage, from: Loose): Properties {
  const chosen = from[desc.oneofs[0]!.localName] as { case?: string; value?: Proto };
  const pair = pairs(message, desc).find(([, { localName }]) => localName === chosen.case);
  if (pair === undefined) return {};
  const [{ name, shape }, { message: described }] = pair;
  return { [message.union!]: name, ...inputOf(messageIn(shape), described!, chosen.value!) };
}

function readField(
  { shape, many, absent, required }: Field,
  described: DescField,
  value: unknown,
): unknown {
  const one = (item: unknown) => readOne(shape, described, item);
  if (many === "one") return value === undefined ? absent : one(value);
  // An empty list or map cannot be told from none: where it may be left out it is none, so that its default holds.
  if (Object.keys(value as object).length === 0 && !required) return undefined;
  if (many === "list") return (value as unknown[]).map(one);
  const map = {};
  for (const [key, item] of Object.entries(value as Properties)) define(map, key, one(item));
  return map;
}

function readOne(shape: Shape, described: DescField, value: unknown): unknown {
  // What is no safe integer stays one that the operation's schema refuses.
  if (shape.kind === "int64") return Number(value);
  if (shape.kind === "value") return toJson(ValueSchema, value as Value);
  if (shape.kind === "message") return inputOf(shape.message, described.message!, value as Proto);
  return value;
}

function writeField({ shape, many }: Field, described: DescField, value: unknown): unknown {
  const one = (item: unknown) => writeOne(shape, described, item);
  if (many === "one") return one(value);
  if (many === "list") return (value as unknown[]).map(one);
  const map = {};
  for (const [key, item] of Object.entries(value as Properties)) define(map, key, one(item));
  return map;
}

function writeOne(shape: Shape, described: DescField, value: unknown): unknown {
  if (shape.kind === "int64") return BigInt(value as number);
  if (shape.kind === "value") return fromJson(ValueSchema, value as JsonValue);
  if (shape.kind === "struct") return value;
  if (shape.kind === "message") return outputOf(shape.message, described.message!, value);
  return value;
}

/** Also `__proto__` becomes a property like any other, which the schema then refuses or keeps. */
function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

const messageIn = (shape: Shape): Message => (shape as { message: Message }).message;

const paired = new WeakMap<DescMessage, (readonly [Field, DescField])[]>();

/** Each field with its descriptor, found once a message. */
function pairs(message: Message, desc: DescMessage): (readonly [Field, DescField])[] {
  let found = paired.get(desc);
  if (found === undefined) {
    const described = new Map(desc.fields.map((field) => [field.name, field]));
    found = message.fields.map((field) => [field, described.get(field.name)!] as const);
    paired.set(desc, found);
  }
  return found;
}
