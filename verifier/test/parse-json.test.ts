import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JSON_DEPTH_MAX, parseJson } from "../src/index.ts";

/** A text with an escape in a key, around which the rest is read by our own reader too. */
const read = (text: string) => parseJson(`{"\\u0061":${text}}`) as { a: unknown };
const key = () => `fresh${crypto.randomUUID()}`;

/** Every character escaped, as far as JSON can. */
const escaped = (json: string): string =>
  json.replace(/[g-mo-qs-z\u0080-\uffff]/g, (unit) =>
    unit.charCodeAt(0) < 0x80 ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

describe("keys are what the text says", () => {
  test("whatever keys earlier objects had", () => {
    const first = key();
    parseJson(`{"${first}":1,"name\\\\":2}`);
    expect(parseJson(`{"${first}":1,"name\\u00e9":2}`)).toEqual({ [first]: 1, nameé: 2 });
    expect(parseJson(`{"${first}":1 ,\n "name\\"b":2}`)).toEqual({ [first]: 1, 'name"b': 2 });
    expect(parseJson(`[{"${first}":1,"name\\/":2}]`)).toEqual([{ [first]: 1, "name/": 2 }]);
  });

  test("__proto__ is one like any", () => {
    const object = parseJson('{"__proto__":{"a":1},"\\u005f_proto__":{"b":1}}');
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(object, "__proto__")?.value).toEqual({ b: 1 });
  });
});

describe("everything else is as JSON.parse reads it", () => {
  test("any value, in objects of a shape that is new", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, name) => {
        const [first, second] = [key(), key()];
        const text = (one: string) =>
          escaped(JSON.stringify({ [one]: 1, [`${name}"`]: value, "\\": [value] }, null, 1));
        const found = parseJson(text(first));
        expect(JSON.stringify(found)).toBe(
          JSON.stringify(JSON.parse(text(second))).replace(second, first),
        );
      }),
    );
  });

  test.each([
    "-0",
    "0",
    "1.5e-3",
    "1E+2",
    "1e400",
    "123456789012345678901234567890",
    '""',
    '"\\ud800"',
    '"\\b\\f\\n\\r\\t\\/\\\\\\""',
    '"\u2028\u007f"',
    " [ ] ",
    "{ }",
    "[1 , [ ] ]",
    "true",
    "false",
    "null",
    '{"a":1,"a":2}',
    '{"1":1,"0":0}',
    '{"b":{},"a":[{}]}',
  ])("%s", (text) => {
    const found = read(text).a;
    expect(found).toEqual(JSON.parse(text));
    expect(JSON.stringify(found)).toBe(JSON.stringify(JSON.parse(text)));
    expect(Object.is(found, -0)).toBe(text === "-0");
  });

  test.each([
    "",
    "01",
    "1.",
    ".5",
    "-",
    "+1",
    "1e",
    "0x1",
    "NaN",
    "Infinity",
    "tru",
    "nul",
    "truee",
    "'a'",
    '"a',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\',
    "[1,]",
    "[,1]",
    "[1 2]",
    "[",
    "]",
    '{"a":1,}',
    "{a:1}",
    '{"a"}',
    '{"a" 1}',
    '{"a":}',
    "{,}",
    "1 1",
    "\u00a01",
    "\ufeff1",
    "//\n1",
    "undefined",
  ])("a SyntaxError: %j", (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(() => read(text)).toThrow(SyntaxError);
  });
});

test("what is nested too deeply is a SyntaxError before the stack is full", () => {
  const deep = (depth: number) => `${"[".repeat(depth)}{"\\u0061":1}${"]".repeat(depth)}`;
  expect(() => parseJson(deep(JSON_DEPTH_MAX - 1))).not.toThrow();
  expect(() => parseJson(deep(JSON_DEPTH_MAX))).toThrow(SyntaxError);
  expect(() => parseJson(`{"\\u0061":${"[".repeat(1_000_000)}`)).toThrow(SyntaxError);
  expect(() => parseJson('{"a\\":1}')).toThrow(SyntaxError);
});
