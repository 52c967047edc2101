import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Question } from "#pipeline";
import { policyDocument } from "./document.ts";
import { type Expression, type Policy, PolicySet, type PolicySetJson } from "./engine/index.ts";
import { ENGINES } from "./engines.ts";
import { decideBy } from "./policy.ts";

const all = { op: "All" } as const;
const value = (v: boolean | number | string): Expression => ({ Value: v });
const context = (attr: string): Expression => ({ ".": { left: { Var: "context" }, attr } });
const two = (op: string, left: Expression, right: Expression) =>
  ({ [op]: { left, right } }) as Expression;
const when = (body: Expression) => ({ kind: "when" as const, body });
const policy = (effect: "permit" | "forbid", conditions: Policy["conditions"] = []): Policy => ({
  effect,
  principal: all,
  action: all,
  resource: all,
  conditions,
});
const ask = (context: Question["context"] = { kind: "a", ok: true }): Question => ({
  principal: { type: "User", id: "ada", groups: ["staff"] },
  action: { id: "doc.page.read", groups: ["doc", "doc.page"] },
  resource: { type: "Page", id: "1" },
  context,
});
const document = (staticPolicies: Record<string, Policy>): PolicySetJson => ({ staticPolicies });
const evaluate = (staticPolicies: Record<string, Policy>, question = ask()) => {
  const policies = new PolicySet(document(staticPolicies));
  const { steps, reasons, errors } = decideBy(
    { id: "v", hash: "", schemaHash: null, engine: ENGINES.current, policies },
    question,
  );
  const read = steps.map((step) => ({ ...step, conditions: JSON.parse(step.conditions) }));
  return { steps: read, reasons, errors };
};
const nested = (levels: number, inner: Expression): Expression =>
  levels === 0 ? inner : { Set: [nested(levels - 1, inner)] };
const copies = (count: number, of: Policy, name = "p") =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, of]));
const took = (work: () => void): number => {
  const from = performance.now();
  work();
  return performance.now() - from;
};

describe("what an author is refused", () => {
  const refusal = (staticPolicies: Record<string, Policy>): string | undefined =>
    policyDocument
      .safeParse(document(staticPolicies))
      .error?.issues.map(({ message }) => message)
      .join("; ");
  const chain = (count: number, part: Expression): Expression =>
    Array.from({ length: count }, () => part).reduce((left, right) => two("&&", left, right));
  const not = (times: number, arg: Expression): Expression =>
    times === 0 ? arg : { "!": { arg: not(times - 1, arg) } };

  test.each<[string, Record<string, Policy>, string]>([
    ["1,001 policies", copies(1_001, policy("permit")), "at most 1000 policies, not 1001"],
    [
      "three sets in each other",
      { p: policy("permit", [when(two("==", nested(3, value(1)), nested(3, value(1))))]) },
      "sets stand in each other more than 2 deep",
    ],
    [
      "sets in each other between other parts",
      { p: policy("permit", [when(nested(2, two("==", nested(1, value(1)), value(1))))]) },
      "sets stand in each other more than 2 deep",
    ],
    [
      "thirty-three negations",
      { p: policy("permit", [when(not(33, value(true)))]) },
      "a condition is deeper than 32",
    ],
    [
      "twenty thousand and twenty parts",
      copies(20, policy("permit", [when({ Set: Array.from({ length: 1_000 }, () => value(1)) })])),
      "at most 20000 parts of conditions, not 20020",
    ],
    [
      "more than 512 KiB",
      copies(40, policy("permit", Array(4).fill(when(value("x".repeat(4_000)))))),
      "at most 524288 bytes of JSON, not",
    ],
  ])("%s", (_, policies, message) => expect(refusal(policies)).toContain(message));

  test("a long template that is linked often: each link would be compiled", () => {
    const long = (characters: number) =>
      policyDocument.safeParse({
        staticPolicies: {},
        templates: {
          t: {
            ...policy("permit", Array(characters / 4_000).fill(when(value("x".repeat(4_000))))),
            principal: { op: "==", slot: "?principal" },
          },
        },
        templateLinks: Array.from({ length: 400 }, (_, i) => ({
          templateId: "t",
          newId: `l${i}`,
          values: { "?principal": { type: "User", id: "u" } },
        })),
      }).error?.issues[0]?.message;
    expect(long(4_000)).toBeUndefined();
    expect(long(8_000)).toMatch(/^at most 2097152 bytes of JSON of the templates of all links/);
  });

  test.each<[string, Record<string, Policy>]>([
    ["a thousand policies", copies(1_000, policy("permit"))],
    [
      "two sets in each other",
      { p: policy("permit", [when(two("==", nested(2, value(1)), nested(2, value(1))))]) },
    ],
    ["a hundred parts joined by &&", { p: policy("permit", [when(chain(100, context("ok")))]) }],
    ["half a surrogate pair", { p: policy("permit", [when(context("\ud800"))]) }],
  ])("not: %s", (_, policies) => expect(refusal(policies)).toBeUndefined());
});

describe("the work of one evaluation", () => {
  test("sets in each other are compared in no time, equal or not", () => {
    const deep = (leaf: number) => nested(30, value(leaf));
    const time = took(() => {
      const equal = policy("permit", [when(two("==", deep(1), deep(1)))]);
      const other = policy("permit", [when(two("==", deep(1), deep(2)))]);
      expect(evaluate({ equal, other }).reasons).toEqual(["equal"]);
    });
    expect(time).toBeLessThan(2_000);
  });

  test("long lists are compared, searched and hashed in no time", () => {
    const strings = Array.from({ length: 1_000 }, (_, i) => "x".repeat(900) + i);
    const [tags, more] = [context("tags"), context("more")];
    const question = ask({ tags: strings, more: strings.toReversed(), last: strings.at(-1) });
    const time = took(() => {
      const parts = [two("==", tags, more), two("contains", tags, context("last"))];
      const policies = copies(200, policy("permit", parts.map(when)));
      expect(evaluate(policies, question).reasons).toHaveLength(200);
      const list = { Set: Array.from({ length: 1_000 }, () => tags) };
      const lists = policy("permit", [when(two("==", list, { Set: [more] }))]);
      expect(evaluate({ lists }, question).reasons).toEqual(["lists"]);
    });
    expect(time).toBeLessThan(2_000);
  });

  test("equality is what a pairwise comparison gives", () => {
    type Value = boolean | number | string | Value[];
    const { any } = fc.letrec<{ any: Value }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Value>(true, false, 0, 1, "", "0", "1", "true", 'a","b', "a"),
        fc.array(tie("any"), { maxLength: 3 }),
      ),
    }));
    const pairwise = (a: Value, b: Value): boolean =>
      Array.isArray(a) && Array.isArray(b)
        ? a.every((x) => b.some((y) => pairwise(x, y))) &&
          b.every((y) => a.some((x) => pairwise(x, y)))
        : a === b;
    fc.assert(
      fc.property(any, any, fc.array(any, { maxLength: 4 }), (a, b, list) => {
        const question = ask({ a, b, list });
        const held = evaluate(
          {
            contains: policy("permit", [when(two("contains", context("list"), context("a")))]),
            equal: policy("permit", [when(two("==", context("a"), context("b")))]),
          },
          question,
        ).reasons;
        expect(held.includes("equal")).toBe(pairwise(a, b));
        expect(held.includes("contains")).toBe(list.some((member) => pairwise(member, a)));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("what a trace holds", () => {
  const clauseOf = (body: Expression) =>
    evaluate({ p: policy("permit", [when(body)]) }).steps[0]!.conditions[0]!;

  test("of a long clause its first 300 characters", () => {
    const { clause } = clauseOf(two("==", context("kind"), value("x".repeat(4_000))));
    expect(clause).toBe(`context.kind == "${"x".repeat(282)}…`);
    expect(clause).toHaveLength(300);
    const short = clauseOf(two("==", context("kind"), value("x".repeat(282))));
    expect(short.clause).toBe(`context.kind == "${"x".repeat(282)}"`);
  });

  test("no half of a character", () => {
    for (const shift of ["", "x"]) {
      const { clause } = clauseOf(two("==", context("kind"), value(shift + "😀".repeat(400))));
      expect(clause.isWellFormed()).toBe(true);
      expect(clause).toMatch(/…$/);
    }
  });

  test("a name with dots is read as one name", () => {
    const digest = createHash("sha256").update("7").digest("hex");
    const question = ask({ "a.b": 7 });
    const p = policy("permit", [when(two("==", context("a.b"), value(7)))]);
    const { conditions } = evaluate({ p }, question).steps[0]!;
    expect(conditions).toMatchObject([{ holds: true, reads: { "context.a.b": digest } }]);
  });

  test("a name in a record is read through it", () => {
    const digest = createHash("sha256").update("7").digest("hex");
    const inner: Expression = { ".": { left: context("a"), attr: "b" } };
    const p = policy("permit", [when(two("==", inner, value(7)))]);
    const { conditions } = evaluate({ p }, ask({ a: { b: 7 } })).steps[0]!;
    expect(conditions).toMatchObject([{ holds: true, reads: { "context.a.b": digest } }]);
  });
});
