import fc from "fast-check";
import { expect, test } from "vitest";
import { formatOffset, isAfter, OFFSET, parseOffset } from "./offset.ts";

const offset = fc.record({
  index: fc.integer({ min: 0, max: 999_999_999_999_999 }),
  ordinal: fc.integer({ min: 0, max: 999_999 }),
});

test("an offset says itself", () => {
  fc.assert(
    fc.property(offset, (one) => {
      expect(OFFSET.test(formatOffset(one))).toBe(true);
      expect(parseOffset(formatOffset(one))).toEqual(one);
    }),
  );
});

test("of two offsets one is after the other, or they are the same", () => {
  fc.assert(
    fc.property(offset, offset, (a, b) => {
      const same = formatOffset(a) === formatOffset(b);
      expect([isAfter(a, b), isAfter(b, a)].filter(Boolean)).toHaveLength(same ? 0 : 1);
    }),
  );
});

test.each(["", "1", "1.", ".1", "01.0", "1.01", "-1.0", "1.0 ", "1e3.0", "9".repeat(16)])(
  "%j is no offset",
  (text) => expect(OFFSET.test(text)).toBe(false),
);
