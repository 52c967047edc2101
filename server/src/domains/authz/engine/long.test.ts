import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, type Long, long, multiply, negate, quotient, remainder, subtract } from "./long.ts";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
const SAFE = Number.MAX_SAFE_INTEGER;

/** All of 64 bits, the ends and the border to `bigint` often. */
const longs: fc.Arbitrary<Long> = fc
  .oneof(
    fc.bigInt({ min: MIN, max: MAX }),
    fc.bigInt({ min: -5n, max: 5n }),
    fc
      .tuple(
        fc.constantFrom(MIN, MAX, BigInt(SAFE), -BigInt(SAFE), 2n ** 31n, 3_037_000_500n),
        fc.bigInt({ min: -2n, max: 2n }),
      )
      .map(([edge, by]) => edge + by)
      .filter((value) => value >= MIN && value <= MAX),
  )
  .map((value) => long(value)!);

const inRange = (value: bigint): Long | null => (value < MIN || value > MAX ? null : long(value));

describe("for any two longs", () => {
  test.each<[string, (a: Long, b: Long) => Long | null, (a: bigint, b: bigint) => bigint]>([
    ["add", add, (a, b) => a + b],
    ["subtract", subtract, (a, b) => a - b],
    ["multiply", multiply, (a, b) => a * b],
    ["negate", (a) => negate(a), (a) => -a],
  ])("%s is exact, or has no place", (_, ours, exact) => {
    fc.assert(
      fc.property(longs, longs, (a, b) => {
        const found = ours(a, b);
        expect(found).toBe(inRange(exact(BigInt(a), BigInt(b))));
        // Of equal values there is one form, without a sign of zero.
        expect(Object.is(found, -0)).toBe(false);
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });

  test("quotient rounds toward zero, remainder is never negative", () => {
    const units = fc.constantFrom(1_000, 60_000, 3_600_000, 86_400_000);
    fc.assert(
      fc.property(longs, units, (a, unit) => {
        const by = BigInt(unit);
        expect(quotient(a, unit)).toBe(long(BigInt(a) / by));
        expect(remainder(a, unit)).toBe(Number(((BigInt(a) % by) + by) % by));
        expect(Object.is(quotient(a, unit), -0)).toBe(false);
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });
});

describe("at the ends", () => {
  test.each<[string, Long | null, Long | null]>([
    ["the largest and one", add(MAX, 1), null],
    ["the smallest without one", subtract(MIN, 1), null],
    ["the smallest negated", negate(MIN), null],
    ["the largest negated", negate(MAX), MIN + 1n],
    ["the smallest times -1", multiply(MIN, -1), null],
    ["the smallest times 1", multiply(MIN, 1), MIN],
    ["half the smallest twice", multiply(-(2n ** 62n), 2), MIN],
    ["the square root of the range and one more", multiply(3_037_000_500, 3_037_000_500), null],
    ["both ends", add(MIN, MAX), -1],
    ["beyond a safe integer", add(SAFE, 1), 2n ** 53n],
    ["back to a safe integer", subtract(2n ** 53n, 1), SAFE],
    ["zero times a negative", multiply(0, -1), 0],
    ["zero negated", negate(0), 0],
  ])("%s", (_, found, expected) => expect(found).toBe(expected));
});
