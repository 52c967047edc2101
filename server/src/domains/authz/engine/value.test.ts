import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyValue } from "../../../../test/oracle/values.ts";
import type { ValueJson } from "./est.ts";
import { valueOf } from "./from-json.ts";
import { BUDGET } from "./policy-set.ts";
import { Budget, BudgetSpent, CedarSet, same, type Value } from "./value.ts";

const equal = (a: ValueJson, b: ValueJson): boolean =>
  same(valueOf(a, "a"), valueOf(b, "b"), new Budget(BUDGET));

describe("equal are", () => {
  test.each<[string, ValueJson, ValueJson]>([
    ["sets in another order", [1, 2], [2, 1]],
    ["sets with repetitions", [1, 1, 2], [2, 1, 2]],
    ["sets in sets", [[1, 2], []], [[], [2, 1, 1]]],
    ["records in another order", { a: 1, b: [1, 2] }, { b: [2, 1], a: 1 }],
    [
      "records in sets",
      [{ a: 1, b: 2 }],
      [
        { b: 2, a: 1 },
        { a: 1, b: 2 },
      ],
    ],
    [
      "entities",
      { __entity: { type: "User", id: 'a"b' } },
      { __entity: { id: 'a"b', type: "User" } },
    ],
    [
      "decimals with zeros",
      [{ __extn: { fn: "decimal", arg: "1.5" } }],
      [{ __extn: { fn: "decimal", arg: "1.50" } }],
    ],
    ["zeros", 0, -0],
  ])("%s", (_, a, b) => {
    expect(equal(a, b)).toBe(true);
    expect(equal(b, a)).toBe(true);
  });
});

describe("not equal are", () => {
  test.each<[string, ValueJson, ValueJson]>([
    ["a long and its text", 1, "1"],
    ["a boolean and its text", true, "true"],
    ["a boolean and one", true, 1],
    ["a set and its member", [1], 1],
    ["an empty set and an empty record", [], {}],
    ["a set and a part of it", [1, 2], [1]],
    ["a record and a part of it", { a: 1, b: 1 }, { a: 1 }],
    ["records with other names", { a: 1, b: 2 }, { a: 1, c: 2 }],
    ["records with exchanged values", { a: 1, b: 2 }, { a: 2, b: 1 }],
    ["names that run together", { ab: "c" }, { a: "bc" }],
    ["texts that run together in sets", ["ab", "c"], ["a", "bc"]],
    ["sets in sets that run together", [["a"], ["b"]], [["a", "b"]]],
    [
      "an entity and a record like it",
      { __entity: { type: "User", id: "a" } },
      { type: "User", id: "a" },
    ],
    [
      "entities whose names run together",
      { __entity: { type: "A", id: 'b"' } },
      { __entity: { type: "A", id: 'b\\"' } },
    ],
    [
      "a datetime and a duration of as many milliseconds",
      { __extn: { fn: "datetime", arg: "1970-01-01" } },
      { __extn: { fn: "duration", arg: "0ms" } },
    ],
  ])("%s", (_, a, b) => {
    expect(equal(a, b)).toBe(false);
    expect(equal(b, a)).toBe(false);
    expect(equal([a], [b])).toBe(false);
    expect(equal({ x: a }, { x: b })).toBe(false);
  });
});

test("equality is one: of itself, in both directions, and of all that is made of equals", () => {
  fc.assert(
    fc.property(anyValue(0), anyValue(0), (a, b) => {
      expect(equal(a, a)).toBe(true);
      const found = equal(a, b);
      expect(equal(b, a)).toBe(found);
      expect([equal([a], [b]), equal({ n: a }, { n: b })]).toEqual([found, found]);
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

describe("large sets", () => {
  const numbers = Array.from({ length: 100_000 }, (_, i) => i);

  test("are compared in the order of their size", () => {
    const [a, b] = [new CedarSet(numbers), new CedarSet([...numbers].reverse())];
    const start_ms = performance.now();
    expect(same(a, b, new Budget(BUDGET))).toBe(true);
    // Every pair of members would take minutes.
    expect(performance.now() - start_ms).toBeLessThan(2_000);
  });

  test("that are one are not looked at, and what shares one is read once", () => {
    const shared = new CedarSet(numbers);
    expect(same(shared, shared, new Budget(0))).toBe(true);
    const record = (): Value => new Map([["a", shared]]);
    const many = (length: number) => new CedarSet(Array.from({ length }, record));
    expect(same(many(1), many(1), new Budget(BUDGET))).toBe(true);
  });

  test("and long texts in records cost what has to be copied", () => {
    const record = (): Value => new Map([["a", "x".repeat(1_000_000)]]);
    expect(same(record(), record(), new Budget(BUDGET))).toBe(true);
    expect(() => same(record(), record(), new Budget(10_000))).toThrow(BudgetSpent);
  });

  test("cost as much of the budget as there is to look at", () => {
    expect(() => same(new CedarSet(numbers), new CedarSet(numbers), new Budget(1_000))).toThrow(
      BudgetSpent,
    );
  });
});
