import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PatternPart } from "./est.ts";
import { matcher } from "./like.ts";
import { Budget, BudgetSpent } from "./value.ts";

const ANY: PatternPart = "Wildcard";
const of = (text: string): PatternPart => ({ Literal: text });
const like = (text: string, pattern: readonly PatternPart[], steps = 1_000_000): boolean =>
  matcher(pattern)(text, new Budget(steps));

describe("a pattern", () => {
  test.each<[string, PatternPart[], boolean]>([
    ["", [], true],
    ["a", [], false],
    ["", [ANY], true],
    ["", [ANY, ANY], true],
    ["abc", [of("abc")], true],
    ["abc", [of("a"), of("bc")], true],
    ["abc", [of("ab")], false],
    ["abc", [of("a"), ANY], true],
    ["abc", [ANY, of("c")], true],
    ["abc", [ANY, of("b")], false],
    ["abcbc", [of("a"), ANY, of("bc")], true],
    ["aXbXc", [of("a"), ANY, of("b"), ANY, of("c")], true],
    ["acb", [of("a"), ANY, of("b"), ANY, of("c")], false],
    ["a*b", [of("a*b")], true],
    ["axb", [of("a*b")], false],
    ["𝒳", [of("𝒳")], true],
    ["𝒳", [of("\ud835"), ANY], false],
    ["A", [of("a")], false],
    ["e\u0301", [of("é")], false],
    ["a\nb", [of("a"), ANY, of("b")], true],
  ])("%j like %j: %s", (text, pattern, is) => expect(like(text, pattern)).toBe(is));

  test("costs nothing for what it does not look at", () => {
    const long = "y".repeat(1_000_000);
    const began_ms = performance.now();
    for (let i = 0; i < 1_000; i++) expect(like(long, [of("x"), ANY], 1)).toBe(false);
    // Cut into characters, each of these would take milliseconds.
    expect(performance.now() - began_ms).toBeLessThan(2_000);
  });

  test("is a regular expression of its literals", () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constant(ANY),
        fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 2 }).map(of),
      ),
      { maxLength: 6 },
    );
    const texts = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
    fc.assert(
      fc.property(texts, pieces, (text, pattern) => {
        const source = pattern.map((part) =>
          part === ANY ? ".*" : (part as { Literal: string }).Literal,
        );
        expect(like(text, pattern)).toBe(new RegExp(`^(?:${source.join("")})$`, "su").test(text));
      }),
      { numRuns: 3_000, seed: 1 },
    );
  });
});

describe("what a match may cost", () => {
  const text = "a".repeat(2_000);
  const pattern = [...Array.from({ length: 50 }, () => [ANY, of("a")]).flat(), ANY, of("b")];

  test("is at most the text times the pattern, where trying every way would never end", () => {
    expect(like(text, pattern, text.length * pattern.length)).toBe(false);
  });

  test("is taken off the budget", () => {
    expect(() => like(text, pattern, 100)).toThrow(BudgetSpent);
  });
});
