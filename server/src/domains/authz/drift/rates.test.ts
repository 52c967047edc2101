import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lnBeta, lnGamma } from "./numbers.ts";
import { type Counted, chiSquare, eBH, rateChange } from "./rates.ts";

const DAY_MS = 86_400_000;
const series = (...days: [allowed: number, denied: number][]): Counted[] =>
  days.map(([allowed, denied], i) => ({
    day: new Date(i * DAY_MS).toISOString().slice(0, 10),
    allowed,
    denied,
  }));
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

/** The same e-value by products of integers instead of ln Γ: the predictive probabilities of one decision after the other. */
function slowLn(x: number, y: number): number {
  let ln = 0;
  for (let i = 0; i < x; i++) ln += Math.log((i + 0.5) / (i + 1));
  for (let j = 0; j < y; j++) ln += Math.log((j + 0.5) / (x + j + 1));
  return ln;
}

describe("ln Γ", () => {
  test("is that of factorials and of ½", () => {
    for (let n = 1, ln = 0; n < 170; ln += Math.log(n++))
      expect(Math.abs(lnGamma(n) - ln)).toBeLessThan(1e-11 * Math.max(1, ln));
    expect(lnGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 11);
  });

  test("obeys Γ(x + 1) = x Γ(x)", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e7, noNaN: true }), (x) => {
        const [above, below] = [lnGamma(x + 1), lnGamma(x) + Math.log(x)];
        expect(Math.abs(above - below)).toBeLessThan(1e-12 * Math.max(10, Math.abs(above)));
      }),
    );
  });

  test("gives the Beta function its products", () => {
    fc.assert(
      fc.property(fc.nat({ max: 300 }), fc.nat({ max: 300 }), (x, y) => {
        const ours = lnBeta(0.5 + x, 0.5 + y) - lnBeta(0.5, 0.5);
        expect(ours).toBeCloseTo(slowLn(x, y), 9);
      }),
    );
  });
});

describe("a change of the rate", () => {
  test.each<[string, Counted[], string | null, boolean]>([
    ["no history", series([95, 5]), null, false],
    ["too little history", series([95, 5], [95, 5], [40, 60]), null, false],
    [
      "two days before are not enough to compare with",
      series([95, 5], [95, 5], [75, 25], [75, 25]),
      null,
      false,
    ],
    [
      "all were allowed, and now some are denied",
      series(...times<[number, number]>(20, [20, 0]), [14, 6]),
      "1970-01-21",
      true,
    ],
    ["nothing changes", series(...times<[number, number]>(20, [95, 5])), null, false],
    [
      "ten times the traffic",
      series(...times<[number, number]>(20, [95, 5]), [950, 50]),
      null,
      false,
    ],
    [
      "a jump, on its day",
      series(...times<[number, number]>(20, [95, 5]), [70, 30]),
      "1970-01-21",
      true,
    ],
    [
      "a jump, named by its first day",
      series(...times<[number, number]>(20, [19, 1]), ...times<[number, number]>(4, [14, 6])),
      "1970-01-21",
      true,
    ],
    [
      "up is a change, too",
      series(...times<[number, number]>(20, [5, 95]), [40, 60]),
      "1970-01-21",
      true,
    ],
    [
      "one denial among many",
      series(...times<[number, number]>(20, [100, 0]), [99, 1]),
      null,
      false,
    ],
    [
      "sure, but below two points",
      series(...times<[number, number]>(20, [95_000, 5_000]), [94_000, 6_000]),
      null,
      false,
    ],
  ])("%s", (_, given, since, told) => {
    const { since: found, ln_e } = rateChange(given);
    const isTold = eBH([ln_e]).size === 1;
    expect([isTold, isTold ? found : null]).toEqual([told, since]);
  });

  test("a creep of one point a day is found, of which no two days differ much", () => {
    const creep = Array.from({ length: 20 }, (_, i): [number, number] => [190 - 2 * i, 10 + 2 * i]);
    const given = series(...times<[number, number]>(14, [190, 10]), ...creep);
    const days = given.map((_, i) => eBH([rateChange(given.slice(0, i + 1)).ln_e]).size);
    expect(days.indexOf(1)).toBeGreaterThan(14);
    expect(days.indexOf(1)).toBeLessThan(25);
    for (let i = 15; i < given.length; i++)
      expect(chiSquare(given[i - 1]!, given[i]!)).toBeLessThan(3.84);
  });

  test("is the Bayes factor of Beta(½, ½), and 1 where too little lies before", () => {
    const { ln_e } = rateChange(series([10, 0], [10, 0], [10, 0], [0, 10]));
    const factor = Math.exp(slowLn(30, 0) + slowLn(0, 10) - slowLn(30, 10));
    expect(ln_e).toBeCloseTo(Math.log((factor + 1 + 1) / 3), 5);
  });

  test("has an e-value: over data of one rate drawn from its prior, the mean is 1", () => {
    // All outcomes of five days of three decisions, weighted by their probability: no sampling.
    // The dispersion draws counts down and a shift under two points counts as none: both only lessen it.
    const prior = (days: [number, number][]) => {
      const x = days.reduce((sum, [allowed]) => sum + allowed, 0);
      return Math.exp(lnBeta(0.5 + x, 0.5 + 15 - x) - lnBeta(0.5, 0.5));
    };
    let mean = 0;
    let all = 0;
    const visit = (days: [number, number][], weight: number): void => {
      if (days.length === 5) {
        all += weight * prior(days);
        mean += weight * prior(days) * Math.exp(rateChange(series(...days)).ln_e);
        return;
      }
      for (const x of [0, 1, 2, 3]) visit([...days, [x, 3 - x]], weight * [1, 3, 3, 1][x]!);
    };
    visit([], 1);
    expect(all).toBeCloseTo(1, 9);
    expect(mean).toBeLessThanOrEqual(1.000001);
    expect(mean).toBeGreaterThan(0.5);
  });
});

describe("e-BH", () => {
  const ln = Math.log;
  test.each<[string, number[], number[]]>([
    ["nothing", [], []],
    ["one below 1 / alpha", [ln(99)], []],
    ["one above", [ln(101)], [0]],
    ["one of ten has to be ten times as sure", [ln(999), ...times(9, 0)], []],
    ["and is told when it is", [...times(9, 0), ln(1_001)], [9]],
    ["two help each other", [ln(501), 0, 0, 0, 0, 0, 0, 0, 0, ln(501)], [0, 9]],
    ["no evidence at all", [Number.NEGATIVE_INFINITY], []],
  ])("%s", (_, given, told) => {
    expect([...eBH(given)].sort()).toEqual(told);
  });
});
