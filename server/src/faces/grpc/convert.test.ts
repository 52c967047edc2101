import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { file_google_protobuf_struct } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Json, jsonSchemaOf } from "../json-schema.ts";
import { inputOf, outputOf } from "./convert.ts";
import { descriptorOf } from "./descriptor.ts";
import { numbered } from "./numbers.ts";
import { type Message, messageOf } from "./shape.ts";

/** A schema as a message with its descriptors. */
function drawn(schema: z.ZodType, io: "input" | "output") {
  const { schema: json, named } = jsonSchemaOf(schema, io);
  const shared = new Map<string, Message>();
  const message = messageOf("M", json as Json, { io, schemas: named, shared });
  const messages = [message, ...shared.values()];
  const file = descriptorOf({ services: [], messages }, numbered(messages, {}));
  const registry = createFileRegistry(file, () => file_google_protobuf_struct);
  return { message, desc: registry.getMessage("sealbase.v1.M")! };
}

/** There and back, over the wire. */
function through(schema: z.ZodType, io: "input" | "output", value: unknown): unknown {
  const { message, desc } = drawn(schema, io);
  const bytes = toBinary(desc, outputOf(message, desc, value));
  return inputOf(message, desc, fromBinary(desc, bytes));
}

const tree: z.ZodType = z
  .object({
    name: z.string(),
    get children() {
      return z.array(tree);
    },
  })
  .meta({ id: "Tree" });
const choice = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("card"), digits: z.string() }),
  z.object({ kind: z.literal("cash"), cents: z.int() }),
]);

describe("a value comes back as it went", () => {
  test.each<[string, z.ZodType, unknown]>([
    [
      "scalars",
      z.object({ a: z.string(), b: z.int(), c: z.number(), d: z.boolean() }),
      { a: "ü", b: -3, c: 0.1, d: true },
    ],
    [
      "zero and nothing",
      z.object({ a: z.string(), b: z.int(), d: z.boolean() }),
      { a: "", b: 0, d: false },
    ],
    [
      "the largest integers",
      z.object({ a: z.int(), b: z.int() }),
      { a: 2 ** 53 - 1, b: -(2 ** 53 - 1) },
    ],
    [
      "null",
      z.object({ a: z.string().nullable(), b: z.object({ x: z.int() }).nullable() }),
      { a: null, b: null },
    ],
    ["what may be absent, absent", z.object({ a: z.string().optional() }), {}],
    ["what may be absent, there", z.object({ a: z.string().optional() }), { a: "" }],
    [
      "lists",
      z.object({ a: z.array(z.int()), b: z.array(z.object({ x: z.string() })) }),
      { a: [1, 0], b: [{ x: "y" }] },
    ],
    ["an empty list that must be there", z.object({ a: z.array(z.int()) }), { a: [] }],
    ["a list of lists", z.object({ a: z.array(z.array(z.int())) }), { a: [[1], []] }],
    ["a list or null", z.object({ a: z.array(z.int()).nullable() }), { a: null }],
    ["a list with nulls", z.object({ a: z.array(z.int().nullable()) }), { a: [1, null] }],
    [
      "maps",
      z.object({ a: z.record(z.string(), z.int()), b: z.record(z.string(), z.json()) }),
      { a: { x: 1 }, b: { y: [null, { z: "w" }] } },
    ],
    ["a map or null", z.object({ a: z.record(z.string(), z.string()).nullable() }), { a: null }],
    [
      "any JSON",
      z.object({ a: z.json(), b: z.json() }),
      { a: null, b: { c: [1, "2", true, null] } },
    ],
    [
      "names that are no identifiers",
      z.object({ a: z.object({ "==": z.int() }) }),
      { a: { "==": 1 } },
    ],
    [
      "one of several objects",
      z.object({ pay: choice, all: z.array(choice) }),
      { pay: { kind: "cash", cents: 5 }, all: [{ kind: "card", digits: "1" }] },
    ],
    ["one of several scalars", z.object({ a: z.union([z.string(), z.int()]) }), { a: 5 }],
    [
      "a tree",
      z.object({ a: tree }),
      { a: { name: "a", children: [{ name: "b", children: [] }] } },
    ],
  ])("%s", (_, schema, value) => {
    for (const io of ["input", "output"] as const)
      expect(through(schema, io, value)).toEqual(value);
  });

  test("whatever JSON it is", () => {
    const schema = z.object({ a: z.json() });
    const plain = fc.jsonValue({ maxDepth: 6 }).map((value) => JSON.parse(JSON.stringify(value)));
    fc.assert(
      fc.property(plain, (a) => {
        expect(through(schema, "output", { a })).toEqual({ a });
      }),
    );
  });
});

describe("an input", () => {
  test("that was forgotten is not there, so that it is refused and not zero", () => {
    const { message, desc } = drawn(z.object({ a: z.int(), b: z.string() }), "input");
    expect(inputOf(message, desc, create(desc))).toEqual({});
  });

  test("with an empty list where one may be left out has none, so that its default holds", () => {
    const { message, desc } = drawn(z.object({ a: z.array(z.int()).default([7]) }), "input");
    expect(inputOf(message, desc, create(desc))).toEqual({});
  });

  test("that JSON would round stays out of the safe integers", () => {
    const { message, desc } = drawn(z.object({ a: z.int() }), "input");
    const value = inputOf(message, desc, create(desc, { a: 2n ** 53n + 1n } as Json));
    expect(z.object({ a: z.int() }).safeParse(value).success).toBe(false);
  });

  test("with a field of a newer API says so", () => {
    const { message, desc } = drawn(z.strictObject({ a: z.int() }), "input");
    const value = inputOf(message, desc, fromBinary(desc, Buffer.from([0x08, 1, 0x50, 1])));
    expect(value).toEqual({ a: 1, "field number 10": "" });
  });

  test("cannot change what an object is", () => {
    const { message, desc } = drawn(z.object({ a: z.record(z.string(), z.string()) }), "input");
    const entry = Buffer.concat([
      Buffer.from([0x0a, 9]),
      Buffer.from("__proto__"),
      Buffer.from([0x12, 1, 0x78]),
    ]);
    const bytes = Buffer.concat([Buffer.from([0x0a, entry.length]), entry]);
    inputOf(message, desc, fromBinary(desc, bytes));
    expect(({} as Json)["x"]).toBeUndefined();
  });

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY]])("of any JSON is not %d", (number) => {
    const { message, desc } = drawn(z.object({ a: z.json() }), "input");
    const bytes = Buffer.concat([Buffer.from([0x0a, 9, 0x11]), doubleOf(number)]);
    expect(() => inputOf(message, desc, fromBinary(desc, bytes))).toThrow(/NaN|Infinity|number/);
  });
});

function doubleOf(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(number);
  return bytes;
}
