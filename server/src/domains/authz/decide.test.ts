import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Question } from "#pipeline";
import { canonicalJson } from "#verifier";
import { storedVersion } from "../../../test/stored-version.ts";
import { policyDocument } from "./document.ts";
import { type Expression, type Policy, PolicySet, type PolicySetJson } from "./engine/index.ts";
import { explain } from "./explain.ts";
import { decideBy, openVersion } from "./policy.ts";
import { requestOf } from "./question.ts";
import { FULL } from "./view.ts";

const all = { op: "All" } as const;
const value = (v: boolean | number | string): Expression => ({ Value: v });
const context = (attr: string): Expression => ({ ".": { left: { Var: "context" }, attr } });
const two = (op: string, left: Expression, right: Expression) =>
  ({ [op]: { left, right } }) as Expression;
const when = (body: Expression) => ({ kind: "when" as const, body });
const unless = (body: Expression) => ({ kind: "unless" as const, body });
const policy = (
  effect: "permit" | "forbid",
  conditions: Policy["conditions"] = [],
  more: Partial<Policy> = {},
): Policy => ({
  effect,
  principal: all,
  action: all,
  resource: all,
  conditions,
  ...more,
});
const ask = (more: Partial<Question> = {}): Question => ({
  principal: { type: "User", id: "ada", groups: ["staff"] },
  action: { id: "doc.page.read", groups: ["doc", "doc.page"] },
  resource: { type: "Page", id: "1" },
  context: { amount: 5, kind: "a", tags: ["x", "y"], ok: true },
  ...more,
});
const trace = (document: PolicySetJson, question: Question) =>
  new PolicySet(document).trace(requestOf(question));
const decide = (staticPolicies: Record<string, Policy>, question = ask()) => {
  const document = policyDocument.parse({ staticPolicies });
  const { outcome, reasons, errors } = trace(document, question);
  return { outcome, reasons: [...reasons], errors: [...errors] };
};

const BROKEN = context("missing");
const TRUE = value(true);
const FALSE = value(false);

describe("what a set of policies decides", () => {
  test.each<[string, Record<string, Policy>, "allow" | "deny", string[], string[]?]>([
    ["nothing denies", {}, "deny", []],
    ["a permit allows", { p: policy("permit") }, "allow", ["p"]],
    [
      "all permits are named, sorted",
      { q: policy("permit"), p: policy("permit") },
      "allow",
      ["p", "q"],
    ],
    [
      "a forbid wins over every permit",
      { a: policy("permit"), z: policy("forbid") },
      "deny",
      ["z"],
    ],
    [
      "a forbid that does not hold is none",
      { a: policy("permit"), z: policy("forbid", [when(FALSE)]) },
      "allow",
      ["a"],
    ],
    [
      "a broken forbid denies",
      { a: policy("permit"), z: policy("forbid", [when(BROKEN)]) },
      "deny",
      [],
      ["z"],
    ],
    ["a broken permit permits nothing", { a: policy("permit", [when(BROKEN)]) }, "deny", [], ["a"]],
    [
      "a broken permit hinders no other",
      { a: policy("permit", [when(BROKEN)]), b: policy("permit") },
      "allow",
      ["b"],
      ["a"],
    ],
    [
      "a broken forbid out of reach is not asked",
      {
        a: policy("permit"),
        z: policy("forbid", [when(BROKEN)], { principal: { op: "is", entity_type: "Robot" } }),
      },
      "allow",
      ["a"],
    ],
    [
      "what is no boolean is an error",
      { a: policy("permit", [when(value(1))]) },
      "deny",
      [],
      ["a"],
    ],
    ["unless turns it round", { a: policy("permit", [unless(FALSE)]) }, "allow", ["a"]],
    ["all conditions must hold", { a: policy("permit", [when(TRUE), unless(TRUE)]) }, "deny", []],
    [
      "the first that fails hides what comes after",
      { a: policy("permit", [when(FALSE), when(BROKEN)]) },
      "deny",
      [],
    ],
    [
      "what comes before does not hide it",
      { a: policy("permit", [when(BROKEN), when(FALSE)]) },
      "deny",
      [],
      ["a"],
    ],
    [
      "false && broken is false",
      { a: policy("permit", [unless(two("&&", FALSE, BROKEN))]) },
      "allow",
      ["a"],
    ],
    [
      "broken && false is broken",
      { a: policy("permit", [unless(two("&&", BROKEN, FALSE))]) },
      "deny",
      [],
      ["a"],
    ],
    [
      "true || broken is true",
      { a: policy("permit", [when(two("||", TRUE, BROKEN))]) },
      "allow",
      ["a"],
    ],
    [
      "broken || true is broken",
      { a: policy("permit", [when(two("||", BROKEN, TRUE))]) },
      "deny",
      [],
      ["a"],
    ],
    [
      "an action in its group",
      { a: policy("permit", [], { action: { op: "in", entity: { type: "Action", id: "doc" } } }) },
      "allow",
      ["a"],
    ],
    [
      "an action in no such group",
      { a: policy("permit", [], { action: { op: "in", entity: { type: "Action", id: "do" } } }) },
      "deny",
      [],
    ],
    [
      "a principal in its group",
      {
        a: policy("permit", [], {
          principal: { op: "in", entity: { type: "Group", id: "staff" } },
        }),
      },
      "allow",
      ["a"],
    ],
    [
      "a resource by name",
      { a: policy("permit", [], { resource: { op: "==", entity: { type: "Page", id: "2" } } }) },
      "deny",
      [],
    ],
    [
      "has, before it is read",
      {
        a: policy("permit", [
          when(two("&&", { has: { left: { Var: "context" }, attr: "missing" } }, BROKEN)),
        ]),
      },
      "deny",
      [],
    ],
    [
      "a comparison of numbers only",
      { a: policy("permit", [when(two("<", context("kind"), value(1)))]) },
      "deny",
      [],
      ["a"],
    ],
    [
      "contains",
      { a: policy("permit", [when(two("contains", context("tags"), value("y")))]) },
      "allow",
      ["a"],
    ],
    [
      "sets have no order",
      {
        a: policy("permit", [
          when(two("==", context("tags"), { Set: [value("y"), value("x"), value("y")] })),
        ]),
      },
      "allow",
      ["a"],
    ],
    [
      '1 is not "1"',
      { a: policy("permit", [when(two("==", context("amount"), value("5")))]) },
      "deny",
      [],
    ],
    [
      "an inherited name is no attribute",
      { a: policy("permit", [when({ has: { left: { Var: "context" }, attr: "constructor" } })]) },
      "deny",
      [],
    ],
  ])("%s", (_, policies, outcome, reasons, errors = []) => {
    expect(decide(policies)).toEqual({ outcome, reasons, errors });
  });
});

/** Expressions that may be true, false or broken, over the context of `ask`. */
const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.boolean().map(value),
    fc.constantFrom<Expression>(BROKEN, context("ok"), context("amount"), value(3), value("a")),
    fc
      .tuple(fc.constantFrom("<", "<=", ">", ">="), fc.integer({ min: 3, max: 7 }))
      .map(([op, n]) => two(op, context("amount"), value(n))),
    fc
      .tuple(fc.constantFrom("&&", "||", "==", "!="), tie("expression"), tie("expression"))
      .map(([op, a, b]) => two(op, a, b)),
    tie("expression").map((arg) => ({ "!": { arg } })),
  ),
}));

/** The meaning of an expression, written a second time, without compiling: a value, or undefined when it is broken. */
function meaning(node: Expression, ctx: Readonly<Record<string, unknown>>): unknown {
  const [op, operand] = Object.entries(node)[0] as [string, any];
  const bool = (v: unknown) => (typeof v === "boolean" ? v : undefined);
  if (op === "Value") return operand;
  if (op === ".") return Object.hasOwn(ctx, operand.attr) ? ctx[operand.attr] : undefined;
  if (op === "!") {
    const inner = bool(meaning(operand.arg, ctx));
    return inner === undefined ? undefined : !inner;
  }
  const left = meaning(operand.left, ctx);
  if (op === "&&" || op === "||") {
    const first = bool(left);
    if (first === undefined || first === (op === "||")) return first;
    return bool(meaning(operand.right, ctx));
  }
  const right = meaning(operand.right, ctx);
  if (left === undefined || right === undefined) return undefined;
  if (op === "==") return left === right;
  if (op === "!=") return left !== right;
  if (typeof left !== "number" || typeof right !== "number") return undefined;
  return op === "<"
    ? left < right
    : op === "<="
      ? left <= right
      : op === ">"
        ? left > right
        : left >= right;
}

function meaningOf(
  { conditions }: Policy,
  ctx: Readonly<Record<string, unknown>>,
): boolean | undefined {
  for (const { kind, body } of conditions) {
    const holds = meaning(body, ctx);
    if (typeof holds !== "boolean") return undefined;
    if (holds !== (kind === "when")) return false;
  }
  return true;
}

const anyPolicy = fc
  .tuple(
    fc.constantFrom("permit" as const, "forbid" as const),
    fc.array(
      fc.record({ kind: fc.constantFrom("when" as const, "unless" as const), body: expression }),
      { maxLength: 3 },
    ),
  )
  .map(([effect, conditions]) => policy(effect, conditions));
const anyDocument = fc.array(anyPolicy, { maxLength: 6 }).map((policies) => ({
  staticPolicies: Object.fromEntries(policies.map((p, i) => [`p${i}`, p])),
}));

describe("for any policies", () => {
  test("the verdict is what a second reading of the rules gives", () => {
    fc.assert(
      fc.property(anyDocument, ({ staticPolicies }) => {
        const question = ask();
        const by = (effect: string, holds: boolean | undefined) =>
          Object.keys(staticPolicies)
            .filter(
              (id) =>
                staticPolicies[id]!.effect === effect &&
                meaningOf(staticPolicies[id]!, question.context) === holds,
            )
            .sort();
        const allowed =
          by("permit", true).length > 0 &&
          by("forbid", true).length === 0 &&
          by("forbid", undefined).length === 0;
        expect(decide(staticPolicies, question)).toEqual({
          outcome: allowed ? "allow" : "deny",
          reasons: allowed ? by("permit", true) : by("forbid", true),
          errors: [...by("forbid", undefined), ...by("permit", undefined)].sort(),
        });
      }),
      { numRuns: 500 },
    );
  });

  test("one more forbid never allows, and one more permit never forbids", () => {
    fc.assert(
      fc.property(anyDocument, anyPolicy, ({ staticPolicies }, added) => {
        const before = decide(staticPolicies).outcome;
        const after = decide({ ...staticPolicies, added }).outcome;
        if (added.effect === "forbid" && before === "deny") expect(after).toBe("deny");
        if (added.effect === "permit" && before === "allow") expect(after).toBe("allow");
      }),
    );
  });

  test("a replay from what is stored agrees, whatever the order of groups and fields", () => {
    fc.assert(
      fc.property(
        anyDocument,
        fc.shuffledSubarray(["a", "b", "c", "staff"]),
        (document, groups) => {
          const version = (of: unknown) => openVersion(storedVersion(canonicalJson(of)));
          const question = ask({ principal: { type: "User", id: "ada", groups } });
          const first = decideBy(version(document), question);
          const kept = JSON.parse(first.slice.text);
          const again = decideBy(version(reordered(document)), {
            principal: kept.principal,
            action: kept.action,
            resource: question.resource,
            context: reordered(question.context) as Question["context"],
          });
          expect([again.outcome, again.traceHash]).toEqual([first.outcome, first.traceHash]);
        },
      ),
    );
  });

  test("a denial has an explanation, and what it asks of the nearest permit would allow", () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        const question = ask();
        const traced = trace(document, question);
        if (traced.outcome === "allow") return;
        const { facts, help } = explain(question, traced, FULL);
        expect([
          "forbidden",
          "policy_error",
          "no_permit_for_action",
          "no_permit_applies",
        ]).toContain(facts["why"]);
        expect(help).toMatch(/\w.*\.|POST/);
      }),
    );
  });
});

/** Fields in another order: policies' own order does not count, so they are turned round, too. */
function reordered(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(reordered);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .reverse()
      .map(([key, inner]) => [key, reordered(inner)]),
  );
}

describe("why a question was denied", () => {
  const why = (staticPolicies: Record<string, Policy>, question = ask()) => {
    const document = policyDocument.parse({ staticPolicies });
    return explain(question, trace(document, question), FULL);
  };

  test("no policies", () =>
    expect(explain(ask(), null, FULL).facts["why"]).toBe("no_active_policy"));

  test("a forbid, with the clause that holds", () => {
    const { facts, help } = why({
      a: policy("permit"),
      z: policy("forbid", [when(two(">", context("amount"), value(4)))]),
    });
    expect(facts).toMatchObject({
      why: "forbidden",
      policies: ["z"],
      clauses: ["context.amount > 4"],
    });
    expect(help).toContain("z");
  });

  test("a policy that could not be evaluated", () =>
    expect(why({ z: policy("forbid", [when(BROKEN)]) }).facts).toMatchObject({
      why: "policy_error",
      errors: [expect.stringContaining("missing")],
    }));

  test("no permit mentions the action", () =>
    expect(
      why({
        a: policy("permit", [], { action: { op: "==", entity: { type: "Action", id: "x" } } }),
      }).facts,
    ).toMatchObject({ why: "no_permit_for_action" }));

  test("the nearest permits, fewest failures first, and at most three", () => {
    const one = policy("permit", [when(two("<", context("amount"), value(5)))]);
    const both = policy("permit", [], {
      principal: { op: "is", entity_type: "Robot" },
      resource: { op: "==", entity: { type: "Page", id: "2" } },
    });
    const { facts, help } = why({ c: both, b: both, a: both, z: one });
    expect(facts["nearest"]).toHaveLength(3);
    expect(facts["nearest"]).toMatchObject([
      { policy: "z", fails: ["context.amount < 5"] },
      { fails: expect.arrayContaining(["principal is Robot"]) },
      {},
    ]);
    expect(help).toContain("Policy z would permit this if context.amount < 5");
  });

  test("of permits as near, the one that gives least", () => {
    const of = (group: string, action: Policy["action"]) =>
      policy("permit", [], {
        principal: { op: "in", entity: { type: "Group", id: group } },
        action,
      });
    const { id, groups } = ask().action;
    const { help } = why({
      admins: of("admins", { op: "All" }),
      clerks: of("clerks", { op: "in", entities: [{ type: "Action", id: groups[0]! }] }),
      tills: of("tills", { op: "==", entity: { type: "Action", id } }),
    });
    expect(help).toContain('Policy tills would permit this if principal in Group::"tills"');
  });
});
