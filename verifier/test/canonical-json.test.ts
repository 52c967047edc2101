import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, canonicalJsonString, JSON_DEPTH_MAX } from "../src/index.ts";

/** RFC 8785 read naively: sort what JSON.stringify would write. */
function oracle(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oracle).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const units = (text: string) => Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const compare = ([a]: [string, unknown], [b]: [string, unknown]) => {
    const [left, right] = [units(a), units(b)];
    const at = left.findIndex((unit, i) => unit !== right[i]);
    return at === -1 ? left.length - right.length : (left[at] ?? -1) - (right[at] ?? -1);
  };
  const fields = Object.entries(value).sort(compare);
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${oracle(item)}`).join(",")}}`;
}

describe("RFC 8785", () => {
  it("writes the example of section 3.2.2", () => {
    const input = `{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(JSON.parse(input))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("sorts the keys of section 3.2.3 by UTF-16 code units", () => {
    const object = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    expect(Object.values(JSON.parse(canonicalJson(object)))[0]).toBe("One");
    expect(canonicalJson(object)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
        '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });

  it.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("writes the double %s of appendix B as %s", (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, "hex").readDoubleBE())).toBe(text);
  });
});

describe("any JSON value", () => {
  const json = fc.jsonValue({ stringUnit: "binary" }) as fc.Arbitrary<unknown>;

  it("equals the oracle, and a second pass changes nothing", () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(text).toBe(oracle(value));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it("does not depend on the order in which keys were set", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), json), (object) => {
        const turned = Object.fromEntries(Object.entries(object).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(object));
      }),
    );
  });

  it("keeps a key named __proto__", () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe(
      '{"__proto__":{"a":2},"b":1}',
    );
  });

  it("takes objects without a prototype and bigints that a number holds", () => {
    expect(canonicalJson(Object.assign(Object.create(null), { a: 5n }))).toBe('{"a":5}');
    expect(canonicalJson(-(2n ** 53n) + 1n)).toBe("-9007199254740991");
  });
});

describe("what JSON cannot say", () => {
  const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;
  const circle: unknown[] = [];
  circle.push(circle);

  it.each([
    ["NaN", { a: [1, Number.NaN] }, '$["a"][1]', "NaN"],
    ["Infinity", -Infinity, "$", "-Infinity"],
    ["undefined", { a: { b: undefined } }, '$["a"]["b"]', "undefined"],
    ["a hole", Object.assign([], { length: 1 }), "$[0]", "undefined"],
    ["a function", [() => 1], "$[0]", "function"],
    ["a symbol", { s: Symbol("x") }, '$["s"]', "symbol"],
    ["a large bigint", [2n ** 53n], "$[0]", "bigint"],
    ["a small bigint", -(2n ** 60n), "$", "bigint"],
    ["a lone surrogate", { a: "x\ud800" }, '$["a"]', "surrogate"],
    ["a lone surrogate in a key", { "\udc00": 1 }, '$["\\udc00"]', "surrogate"],
    ["a Date", { at: new Date(0) }, '$["at"]', "Date"],
    ["a Map", new Map(), "$", "Map"],
    ["bytes", new Uint8Array(1), "$", "Uint8Array"],
    ["a circle", circle, "$[0]", "nested deeper"],
    ["a value that is too deep", deep(JSON_DEPTH_MAX + 1), "$[0]", "nested deeper"],
  ])("refuses %s and says where", (_, value, path, what) => {
    const refusal = expect(() => canonicalJson(value));
    refusal.toThrow(TypeError);
    expect(() => canonicalJson(value)).toThrow(path);
    expect(() => canonicalJson(value)).toThrow(what);
  });

  it("is refused in a single string too", () => {
    expect(() => canonicalJsonString("\udfff")).toThrow(TypeError);
    expect(canonicalJsonString('é"\u2028😀')).toBe('"é\\"\u2028😀"');
  });

  it("starts below the greatest depth", () => {
    expect(canonicalJson(deep(JSON_DEPTH_MAX))).toHaveLength(2 * JSON_DEPTH_MAX);
  });
});
