import fc from "fast-check";
import { expect, it } from "vitest";
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  toBase64,
  toHex,
  utf8,
} from "../src/index.ts";

const bytes = fc.uint8Array({ maxLength: 100 });

it("spells bytes as Node does, and reads them back", () => {
  fc.assert(
    fc.property(bytes, (data) => {
      expect(toHex(data)).toBe(Buffer.from(data).toString("hex"));
      expect(toBase64(data)).toBe(Buffer.from(data).toString("base64"));
      expect(fromHex(toHex(data))).toEqual(data);
      expect(fromBase64(toBase64(data))).toEqual(data);
    }),
  );
});

it("accepts a base64 text only if it is the one spelling of its bytes", () => {
  const alphabet = fc.constantFrom(..."AQgwZ+/=-_ \n".split(""));
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 9 }), (text) => {
      const node = Buffer.from(text, "base64");
      expect(fromBase64(text)).toEqual(
        node.toString("base64") === text ? new Uint8Array(node) : undefined,
      );
    }),
    { numRuns: 2000 },
  );
});

it.each(["0", "0G", "AB", " 00", "0x00"])("refuses %j as hex", (text) => {
  expect(fromHex(text)).toBeUndefined();
});

it("does not repair text", () => {
  expect(() => utf8("\ud800")).toThrow(TypeError);
  expect(() => fromUtf8(Uint8Array.of(0xc0, 0x80))).toThrow(TypeError);
  expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 65))).toBe("\ufeffA");
});

it("joins and compares", () => {
  fc.assert(
    fc.property(bytes, bytes, (left, right) => {
      expect(concatBytes(left, right)).toEqual(new Uint8Array(Buffer.concat([left, right])));
      expect(equalBytes(left, right)).toBe(Buffer.compare(left, right) === 0);
    }),
  );
});
