import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digitalRoot, featuresOf } from "./features.ts";
import { CURRENT_MODEL, rate } from "./model.ts";

const assess = (
  type: string,
  amountCents: number,
  before: number | null = null,
  after: number | null = null,
) =>
  rate(
    CURRENT_MODEL,
    featuresOf({ type, amountCents, originBeforeCents: before, originAfterCents: after }),
  );

describe("payments by their reasons", () => {
  test.each<[string, ReturnType<typeof assess>, number, string, string[]]>([
    [
      "the published example: a transfer of 10,000,000.00 that empties its account",
      assess("TRANSFER", 1_000_000_000, 1_000_000_000, 0),
      0.95,
      "CRITICAL",
      ["RISKY_TYPE:TRANSFER", "FULL_ACCOUNT_DRAIN", "ROUND_AMOUNT", "DR1_MEGA_AMOUNT"],
    ],
    ["a small payment", assess("PAYMENT", 1_234, 100_000, 98_766), 0.02, "LOW", []],
    ["nothing at all", assess("PAYMENT", 0), 0.02, "LOW", []],
    ["a round one", assess("PAYMENT", 100_000), 0.15, "LOW", ["ROUND_AMOUNT"]],
    [
      "cash that empties an account",
      assess("CASH_OUT", 1_234, 1_234, 0),
      0.62,
      "HIGH",
      ["RISKY_TYPE:CASH_OUT", "FULL_ACCOUNT_DRAIN"],
    ],
    ["more than there was", assess("PAYMENT", 2_000, 1_000, 0), 0.02, "LOW", []],
    ["a large one", assess("PAYMENT", 10_000_001), 0.07, "LOW", ["LARGE_AMOUNT"]],
    ["a mega one of another root", assess("PAYMENT", 200_000_001), 0.12, "LOW", ["MEGA_AMOUNT"]],
  ])("%s", (_, rated, value, level, reasons) => expect(rated).toEqual({ value, level, reasons }));

  test("no payment leaves the scale, and each says the same twice", () => {
    const cents = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(
        fc.constantFrom("PAYMENT", "TRANSFER", "CASH_OUT"),
        cents,
        fc.option(cents),
        fc.option(cents),
        (...payment) => {
          const rated = assess(...payment);
          expect(rated.value).toBeGreaterThanOrEqual(0);
          expect(rated.value).toBeLessThanOrEqual(1);
          expect(Number(rated.value.toFixed(5))).toBe(rated.value);
          expect(assess(...payment)).toEqual(rated);
        },
      ),
    );
  });
});

describe("the digital root", () => {
  const bySum = (n: bigint): number => {
    const sum = [...n.toString()].reduce((total, digit) => total + Number(digit), 0);
    return sum < 10 ? sum : bySum(BigInt(sum));
  };
  const natural = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

  test("is what repeated sums of digits end at", () => {
    fc.assert(fc.property(natural, (n) => digitalRoot(n) === bySum(BigInt(n))));
  });

  test("does not depend on whether one counts cents or units", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 46 }),
        (n) => digitalRoot(n * 100) === digitalRoot(n),
      ),
    );
  });

  test("adds and multiplies as numbers modulo nine do", () => {
    const small = fc.integer({ min: 1, max: 2 ** 26 });
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(digitalRoot(a + b)).toBe(digitalRoot(digitalRoot(a) + digitalRoot(b)));
        expect(digitalRoot(a * b)).toBe(digitalRoot(digitalRoot(a) * digitalRoot(b)));
      }),
    );
  });
});
