import { describe, expect, test } from "vitest";
import { excessOf, flawsOf, LIMITS } from "./limits.ts";

const TRUE = { Value: true };
const nest = (times: number, inner: unknown, by: (inner: unknown) => unknown): unknown => {
  let found = inner;
  for (let i = 0; i < times; i++) found = by(found);
  return found;
};
const DEEP = 100_000;

/** Within what a person would wait for. */
function quickly<T>(work: () => T): T {
  const start_ms = performance.now();
  const found = work();
  expect(performance.now() - start_ms).toBeLessThan(2_000);
  return found;
}

describe("what is no expression is told, not thrown", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a number", 1],
    ["a text", "true"],
    ["a list", [TRUE]],
    ["no key", {}],
    ["two keys", { Value: true, Var: "context" }],
    ["an unknown operator", { "%": { left: TRUE, right: TRUE } }],
    ["a name of every object", { constructor: [TRUE] }],
    ["another one", { toString: [] }],
    ["a prototype", JSON.parse('{"__proto__":{"Value":true}}')],
    ["a variable that there is not", { Var: "user" }],
    ["a variable that is no text", { Var: ["context"] }],
    ["a slot that there is not", { Slot: "?action" }],
    ["one side", { "&&": { left: TRUE } }],
    ["three sides", { "&&": { left: TRUE, right: TRUE, more: TRUE } }],
    ["sides in a list", { "&&": [TRUE, TRUE] }],
    ["a side that is nothing", { "&&": { left: null, right: TRUE } }],
    ["an argument that is missing", { "!": {} }],
    ["an argument in a list", { "!": [TRUE] }],
    ["too many arguments", { isLoopback: [TRUE, TRUE] }],
    ["too few arguments", { isInRange: [TRUE] }],
    ["arguments that are none", { ip: TRUE }],
    ["an attribute without a name", { ".": { left: TRUE } }],
    ["a path for an attribute", { ".": { left: TRUE, attr: ["a"] } }],
    ["an empty path", { has: { left: TRUE, attr: [] } }],
    ["numbers in a path", { has: { left: TRUE, attr: [1] } }],
    ["a pattern as text", { like: { left: TRUE, pattern: "a*" } }],
    ["another wildcard", { like: { left: TRUE, pattern: ["Star"] } }],
    ["a literal that is no text", { like: { left: TRUE, pattern: [{ Literal: 1 }] } }],
    ["a type that is no text", { is: { left: TRUE, entity_type: 1 } }],
    ["a choice without an end", { "if-then-else": { if: TRUE, then: TRUE } }],
    ["a set that is none", { Set: { 0: TRUE } }],
    ["a record that is a list", { Record: [TRUE] }],
    ["a fraction", { Value: 0.5 }],
    ["an integer that JSON rounds", { Value: 2 ** 53 }],
    ["no number", { Value: Number.NaN }],
    ["null as a value", { Value: null }],
    ["a date that is none", { Value: { __extn: { fn: "datetime", arg: "2023-02-29" } } }],
    ["an extension that there is not", { Value: { __extn: { fn: "uuid", arg: "" } } }],
    ["an entity without an id", { Value: { __entity: { type: "User" } } }],
    ["a long text", { Value: "a".repeat(4_097) }],
    ["a long text within", { Value: [{ a: "a".repeat(4_097) }] }],
    ["a long name", { ".": { left: TRUE, attr: "a".repeat(201) } }],
    ["a long path", { has: { left: TRUE, attr: Array.from({ length: 33 }, () => "a") } }],
    ["a large set", { Set: Array.from({ length: LIMITS.members + 1 }, () => TRUE) }],
    ["sets in sets in sets", nest(LIMITS.setDepth + 1, TRUE, (one) => ({ Set: [one] }))],
  ])("%s", (_, node) => {
    for (const [path, one] of [
      [[], node],
      [["!", "arg"], { "!": { arg: node } }],
    ] as const) {
      const flaws = flawsOf(one);
      expect(flaws.length).toBeGreaterThan(0);
      expect(flaws[0]!.path.slice(0, path.length)).toEqual(path);
      expect(flaws[0]!.message).toMatch(/\w/);
    }
  });

  test("each flaw with its place, and no more than one reads", () => {
    const flaws = flawsOf({ Set: [TRUE, { Var: "user" }, { Value: 0.5 }] }, ["body"]);
    expect(flaws.map(({ path }) => path).sort()).toEqual([
      ["body", "Set", 1],
      ["body", "Set", 2],
    ]);
    expect(flawsOf({ Set: Array.from({ length: 900 }, () => null) })).toHaveLength(20);
  });
});

describe("what is too deep or too large is told in no time", () => {
  test.each<[string, (inner: unknown) => unknown]>([
    ["negations", (arg) => ({ "!": { arg } })],
    ["conjunctions to the left", (left) => ({ "&&": { left, right: TRUE } })],
    ["conjunctions to the right", (right) => ({ "&&": { left: TRUE, right } })],
    ["disjunctions", (left) => ({ "||": { left, right: TRUE } })],
    ["attributes", (left) => ({ ".": { left, attr: "a" } })],
    ["choices", (test) => ({ "if-then-else": { if: test, then: TRUE, else: TRUE } })],
    ["records", (one) => ({ Record: { a: one } })],
    ["sets", (one) => ({ Set: [one] })],
    ["calls", (one) => ({ ip: [one] })],
  ])("%s, 100,000 in each other", (_, by) => {
    expect(quickly(() => flawsOf(nest(DEEP, TRUE, by))).length).toBeGreaterThan(0);
  });

  test("values, 100,000 in each other", () => {
    for (const by of [(one: unknown) => [one], (a: unknown) => ({ a })])
      expect(quickly(() => flawsOf({ Value: nest(DEEP, 1, by) }))).toMatchObject([
        { path: [], message: expect.stringMatching(/deeper than 32/) },
      ]);
  });

  test("a value of ten megabytes", () => {
    const texts = Array.from({ length: 2_500 }, () => "a".repeat(4_096));
    expect(quickly(() => flawsOf({ Value: texts }))).toEqual([]);
    const document = {
      staticPolicies: {
        p: {
          effect: "permit",
          principal: { op: "All" },
          action: { op: "All" },
          resource: { op: "All" },
          conditions: [{ kind: "when", body: { Value: texts } }],
        },
      },
    } as const;
    expect(quickly(() => excessOf(document))).toMatchObject([
      { message: expect.stringMatching(/at most 524288 bytes of JSON/) },
    ]);
  });

  test("a hundred conjuncts are wide, not deep; one more is too many", () => {
    const wide = (parts: number) =>
      nest(parts - 1, TRUE, (left) => ({ "&&": { left, right: TRUE } }));
    expect(flawsOf(wide(LIMITS.conjuncts))).toEqual([]);
    expect(flawsOf(wide(LIMITS.conjuncts + 2)).length).toBeGreaterThan(0);
    const deep = (levels: number) => nest(levels, TRUE, (arg) => ({ "!": { arg } }));
    expect(flawsOf(deep(LIMITS.depth))).toEqual([]);
    expect(flawsOf(deep(LIMITS.depth + 1))).toMatchObject([
      { message: expect.stringMatching(/deeper than 32/) },
    ]);
  });
});
