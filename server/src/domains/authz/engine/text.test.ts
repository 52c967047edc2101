import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { expression } from "../../../../test/oracle/expressions.ts";
import { cedar, policiesText, readPolicies } from "../cedar/policies.ts";
import { clauseText, type Expression, type Policy, scopeText } from "./index.ts";

afterAll(() => cedar.close());

const all = { op: "All" } as const;
const policy = (body: Expression): Policy => ({
  effect: "permit",
  principal: all,
  action: all,
  resource: all,
  conditions: [{ kind: "when", body }],
});
const bodyOf = async (text: string): Promise<unknown> => {
  const { document } = await readPolicies(text);
  return (document.staticPolicies["policy0"] as Policy).conditions[0]!.body;
};
/** What Cedar reads in our text, and what it reads in its own of the same expression. */
const readings = async (body: Expression): Promise<readonly [ours: unknown, theirs: unknown]> => [
  await bodyOf(`permit (principal, action, resource) when { ${clauseText(body)} };`),
  await bodyOf(await policiesText({ staticPolicies: { policy0: policy(body) } })),
];

const [principal, context]: Expression[] = [{ Var: "principal" }, { Var: "context" }];
const a: Expression = { ".": { left: context!, attr: "a" } };
const one: Expression = { Value: 1 };
const two = (operator: string, left: Expression, right: Expression): Expression => ({
  [operator]: { left, right },
});
const USER: Expression = { Value: { __entity: { type: "App::User", id: 'q"\\' } } };

describe("the text of an expression", () => {
  test.each<[string, Expression]>([
    ["context.a", a],
    ['context["has space"]', { ".": { left: context!, attr: "has space" } }],
    ['context["if"]', { ".": { left: context!, attr: "if" } }],
    ["principal has a", { has: { left: principal!, attr: "a" } }],
    ['principal has "a b"', { has: { left: principal!, attr: "a b" } }],
    ["principal has a.b.c", { has: { left: principal!, attr: ["a", "b", "c"] } }],
    ["!context.a", { "!": { arg: a } }],
    ["-context.a", { neg: { arg: a } }],
    ["(context.a + 1) * -2", two("*", two("+", a, one), { Value: -2 })],
    ["!(context.a == 1)", { "!": { arg: two("==", a, one) } }],
    ["(context.a == 1) || (context.a != 1)", two("||", two("==", a, one), two("!=", a, one))],
    ["context.a.contains(1)", two("contains", a, one)],
    ["[1, 2].containsAll([])", two("containsAll", { Set: [one, { Value: 2 }] }, { Set: [] })],
    ["[1].isEmpty()", { isEmpty: { arg: { Set: [one] } } }],
    ['principal.getTag("t")', two("getTag", principal!, { Value: "t" })],
    ['principal.hasTag("t")', two("hasTag", principal!, { Value: "t" })],
    ['principal in App::User::"q\\"\\\\"', two("in", principal!, USER)],
    ["principal is App::User", { is: { left: principal!, entity_type: "App::User" } }],
    [
      'principal is App::User in App::User::"q\\"\\\\"',
      { is: { left: principal!, entity_type: "App::User", in: USER } },
    ],
    [
      'context.a like "a*\\*\\"b"',
      { like: { left: a, pattern: [{ Literal: "a" }, "Wildcard", { Literal: '*"b' }] } },
    ],
    ["if context.a then 1 else context.a", { "if-then-else": { if: a, then: one, else: a } }],
    [
      "(if context.a then 1 else 1) < 1",
      two("<", { "if-then-else": { if: a, then: one, else: one } }, one),
    ],
    ['{a: 1, "b c": {}}', { Record: { a: one, "b c": { Record: {} } } }],
    ["(-1).a", { ".": { left: { Value: -1 }, attr: "a" } }],
    [
      'ip("10.0.0.1").isInRange(ip("10.0.0.0/8"))',
      { isInRange: [{ ip: [{ Value: "10.0.0.1" }] }, { ip: [{ Value: "10.0.0.0/8" }] }] },
    ],
    [
      'decimal("1.5").lessThan(decimal("2.0"))',
      {
        lessThan: [
          { decimal: [{ Value: "1.5" }] },
          { Value: { __extn: { fn: "decimal", arg: "2.0" } } },
        ],
      },
    ],
    [
      'datetime("2024-01-01").offset(duration("1h")).toDate()',
      {
        toDate: [
          { offset: [{ datetime: [{ Value: "2024-01-01" }] }, { duration: [{ Value: "1h" }] }] },
        ],
      },
    ],
    ['"\\n\\t\\0\\u{1}\\u{7f}é𝒳"', { Value: "\n\t\0\u0001\u007fé𝒳" }],
  ])("%s", async (text, body) => {
    expect(clauseText(body)).toBe(text);
    const [ours, theirs] = await readings(body);
    expect(ours).toEqual(theirs);
  });

  test("is for any expression what Cedar reads in its own text of it", async () => {
    let read = 0;
    const property = fc.asyncProperty(expression("bool", 2), async (body) => {
      // Longer ones are cut.
      if (clauseText(body).endsWith("…")) return;
      const [ours, theirs] = await readings(body);
      expect(ours).toEqual(theirs);
      read++;
    });
    await fc.assert(property, { seed: 1, numRuns: 400 });
    expect(read).toBeGreaterThan(300);
  });
});

test.each([
  ["principal", { op: "All" }, "principal"],
  ["principal", { op: "==", slot: "?principal" }, "principal == ?principal"],
  ["resource", { op: "is", entity_type: "Doc" }, "resource is Doc"],
  [
    "resource",
    { op: "is", entity_type: "Doc", in: { entity: { type: "Folder", id: "f" } } },
    'resource is Doc in Folder::"f"',
  ],
  [
    "action",
    {
      op: "in",
      entities: [
        { type: "Action", id: "a" },
        { type: "Action", id: "b" },
      ],
    },
    'action in [Action::"a", Action::"b"]',
  ],
] as const)("the text of the scope of a %s", (variable, scope, text) =>
  expect(scopeText(variable, scope)).toBe(text),
);
