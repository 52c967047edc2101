import { describe, expect, test } from "vitest";
import { type Lock, numbered, reservedOf } from "./numbers.ts";
import type { Field, Message, Shape } from "./shape.ts";

type Type = "string" | "int64";

const message = (...fields: [string, Type][]): Message => ({
  name: "M",
  nested: [],
  fields: fields.map(
    ([name, kind]): Field => ({
      name,
      shape: { kind } as Shape,
      many: "one",
      presence: false,
      absent: undefined,
      required: true,
      comment: "",
    }),
  ),
});
const a: [string, Type] = ["a", "string"];
const b: [string, Type] = ["b", "string"];
const c: [string, Type] = ["c", "string"];

/** The message as it was at each time, and what its lock says in the end. */
const after = (...times: Message[]): NonNullable<Lock["M"]> =>
  times.reduce<Lock>((lock, at) => numbered([at], lock), {})["M"]!;

describe("the number of a field", () => {
  test.each<[string, Message[], Lock["M"]]>([
    ["is its place at first", [message(a, b)], { fields: { a: "1 string", b: "2 string" } }],
    [
      "stays when fields change places",
      [message(a, b, c), message(c, b, a)],
      { fields: { a: "1 string", b: "2 string", c: "3 string" } },
    ],
    [
      "stays when one is added before it",
      [message(a, b), message(c, a, b)],
      { fields: { a: "1 string", b: "2 string", c: "3 string" } },
    ],
    [
      "is nobody's when it is removed",
      [message(a, b, c), message(a, b), message(a, b, ["d", "string"])],
      {
        fields: { a: "1 string", b: "2 string", d: "4 string" },
        reserved: { 3: "c string" },
      },
    ],
    [
      "is its own again when it comes back",
      [message(a, b, c), message(a, c), message(a, c, ["d", "string"]), message(b, a, c)],
      {
        fields: { a: "1 string", b: "2 string", c: "3 string" },
        reserved: { 4: "d string" },
      },
    ],
    [
      "is another when it comes back as another type",
      [message(a, b), message(a), message(a, ["b", "int64"])],
      { fields: { a: "1 string", b: "3 int64" }, reserved: { 2: "b string" } },
    ],
    [
      "is another when its type changes, and the old one again when it changes back",
      [message(a, b), message(["a", "int64"], b), message(a, b)],
      { fields: { a: "1 string", b: "2 string" }, reserved: { 3: "a int64" } },
    ],
    [
      "is kept while the whole message is away",
      [message(a, b), { ...message(), name: "N" }, message(b, a)],
      { fields: { a: "1 string", b: "2 string" } },
    ],
  ])("%s", (_, times, wanted) => expect(after(...times)).toEqual(wanted));

  test("is none of those that protobuf keeps", () => {
    const lock = { M: { fields: { a: "18999 string" } } };
    expect(numbered([message(a, b)], lock)["M"]!.fields["b"]).toBe("20000 string");
  });
});

test("a name is reserved only while nobody has it", () => {
  const locked = after(message(a, b, c), message(a, ["b", "int64"]));
  expect(reservedOf(locked)).toEqual({ numbers: [2, 3], names: ["c"] });
});
