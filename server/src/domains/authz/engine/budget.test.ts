import { describe, expect, test } from "vitest";
import {
  BUDGET_SPENT,
  type Expression,
  entitiesOf,
  type Policy,
  PolicySet,
  type Request,
  recordOf,
} from "./index.ts";
import { EntityRef } from "./value.ts";

const all = { op: "All" } as const;
const policy = (effect: Policy["effect"], ...bodies: Expression[]): Policy => ({
  effect,
  principal: all,
  action: all,
  resource: all,
  conditions: bodies.map((body) => ({ kind: "when", body })),
});
const TRUE: Expression = { Value: true };
const FALSE: Expression = { Value: false };
const field = (attr: string): Expression => ({ ".": { left: { Var: "context" }, attr } });
/** Never true, and each costs as much as the text is long. */
const costly = (n: number): Expression => ({
  like: {
    left: field("text"),
    pattern: [
      ...Array.from({ length: 20 }, () => ["Wildcard" as const, { Literal: "a" }]).flat(),
      { Literal: `b${n}` },
    ],
  },
});
const request = (text: string): Request => ({
  principal: new EntityRef("User", "ada"),
  action: new EntityRef("Action", "read"),
  resource: new EntityRef("Doc", "1"),
  context: recordOf({ text }, "context"),
  entities: entitiesOf([]),
});
const LONG = request("a".repeat(60_000));
const SHORT = request("aa");
const set = (policies: Record<string, Policy>) => new PolicySet({ staticPolicies: policies });
const both = (of: PolicySet, asked: Request) => {
  const start_ms = performance.now();
  const { steps, ...traced } = of.trace(asked);
  expect(of.decide(asked)).toEqual(traced);
  expect(performance.now() - start_ms).toBeLessThan(3_000);
  return { decision: traced, steps };
};

describe("a request that costs more than it may", () => {
  const allowing = policy("permit");
  const spending = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`b${i}`, policy("permit", costly(i))]),
  );

  test("is denied, though a policy before permits it, in bounded time", () => {
    const policies = set({ a: allowing, ...spending });
    expect(both(policies, SHORT).decision).toEqual({
      outcome: "allow",
      reasons: ["a"],
      errors: [],
    });
    expect(both(policies, LONG).decision).toEqual({
      outcome: "deny",
      reasons: [],
      errors: [BUDGET_SPENT],
    });
  });

  test("keeps the forbid and the errors that were found before", () => {
    const policies = set({
      a: policy("forbid"),
      aa: policy("permit", field("missing")),
      ...spending,
    });
    expect(both(policies, LONG).decision).toEqual({
      outcome: "deny",
      reasons: ["a"],
      errors: ["aa", BUDGET_SPENT].sort(),
    });
  });

  test("is denied in the mode that compares with Cedar, too", () => {
    const policies = new PolicySet(
      { staticPolicies: { a: allowing, ...spending } },
      { failingForbids: "skip" },
    );
    expect(policies.decide(LONG).outcome).toBe("deny");
  });

  test("is not one because of what a trace looks at beyond the decision", () => {
    // Each policy is settled by its first clause; what stands behind it is weighed for the trace alone.
    const settled = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`b${i}`, policy("permit", FALSE, costly(i))]),
    );
    const { decision, steps } = both(set({ a: allowing, ...settled }), LONG);
    expect(decision).toEqual({ outcome: "allow", reasons: ["a"], errors: [] });
    expect(steps).toHaveLength(51);
    expect(steps.at(-1)!.clauses).toEqual([false, expect.objectContaining({ kind: "budget" })]);
  });

  test("weighs the policies in one order, so that the same ones are weighed whatever the order of writing", () => {
    const backwards = Object.fromEntries(Object.entries(spending).reverse());
    const steps = (of: Record<string, Policy>) =>
      set(of)
        .trace(LONG)
        .steps.map((step) => step.policy.id);
    expect(steps(backwards)).toEqual(steps(spending));
  });
});

describe("what makes no step costs little", () => {
  test.each<[string, Expression]>([
    [
      "a set of a hundred thousand, searched and compared",
      {
        "&&": {
          left: { contains: { left: field("many"), right: { Value: 99_999 } } },
          right: { "==": { left: field("many"), right: field("many") } },
        },
      },
    ],
    ["a choice that is not taken", { "if-then-else": { if: TRUE, then: TRUE, else: costly(0) } }],
    ["a side that is not reached", { "||": { left: TRUE, right: costly(0) } }],
  ])("%s", (_, body) => {
    const many = Array.from({ length: 100_000 }, (_, i) => i);
    const asked = { ...LONG, context: recordOf({ text: "a".repeat(60_000), many }, "context") };
    expect(both(set({ a: policy("permit", body) }), asked).decision.outcome).toBe("allow");
  });
});
