import { z } from "zod";

/**
 * Policies in Cedar's JSON form (EST), the part of it that the evaluator decides: scopes by `All`, `==`, `in`, `is`;
 * conditions over literals, variables, attributes, comparisons, logic and sets. Integers only, and only safe ones.
 */
const POLICIES_MAX = 1_000;
const DEPTH_MAX = 32;
const CONJUNCTS_MAX = 100;
const SET_MAX = 1_000;

const name = z.string().min(1).max(200);
const entity = z.strictObject({ type: name, id: name });
export type EntityRef = z.output<typeof entity>;

const all = z.strictObject({ op: z.literal("All") });
const equal = z.strictObject({ op: z.literal("=="), entity });
const within = z.strictObject({ op: z.literal("in"), entity });
const withinAny = z.strictObject({
  op: z.literal("in"),
  entities: z.array(entity).min(1).max(100),
});
const is = z.strictObject({ op: z.literal("is"), entity_type: name });

export type Literal = boolean | number | string | { __entity: EntityRef };
type Two = { left: Expression; right: Expression };
type Attribute = { left: Expression; attr: string };
export const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="] as const;
export const LOGIC = ["&&", "||"] as const;
type BinaryName = (typeof COMPARISONS)[number] | (typeof LOGIC)[number] | "in" | "contains";

/** One key each; the key says which. */
export type Expression =
  | { Value: Literal }
  | { Var: "principal" | "action" | "resource" | "context" }
  | { Set: Expression[] }
  | { ".": Attribute }
  | { has: Attribute }
  | { "!": { arg: Expression } }
  | { is: { left: Expression; entity_type: string } }
  | { [Name in BinaryName]?: Two };

const expression: z.ZodType<Expression> = z
  .lazy(() => {
    const two = z.strictObject({ left: expression, right: expression });
    const attribute = z.strictObject({ left: expression, attr: name });
    return z.union([
      z.strictObject({
        Value: z.union([
          z.boolean(),
          z.int(),
          z.string().max(4_096),
          z.strictObject({ __entity: entity }),
        ]),
      }),
      z.strictObject({ Var: z.enum(["principal", "action", "resource", "context"]) }),
      z.strictObject({ Set: z.array(expression).max(SET_MAX) }),
      z.strictObject({ ".": attribute }),
      z.strictObject({ has: attribute }),
      z.strictObject({ "!": z.strictObject({ arg: expression }) }),
      z.strictObject({ is: z.strictObject({ left: expression, entity_type: name }) }),
      ...[...COMPARISONS, ...LOGIC, "in", "contains"].map((op) => z.strictObject({ [op]: two })),
    ]) as z.ZodType<Expression>;
  })
  .meta({ id: "PolicyExpression" });

const policy = z.strictObject({
  effect: z.enum(["permit", "forbid"]),
  annotations: z.record(name, z.string().max(1_000)).optional(),
  principal: z.union([all, equal, within, is]),
  action: z.union([all, equal, within, withinAny]),
  resource: z.union([all, equal, is]),
  conditions: z
    .array(z.strictObject({ kind: z.enum(["when", "unless"]), body: expression }))
    .max(20)
    .default([]),
});

export type Policy = z.output<typeof policy>;

export const policyDocument = z
  .strictObject({ staticPolicies: z.record(name, policy) })
  .superRefine(({ staticPolicies }, context) => {
    const policies = Object.entries(staticPolicies);
    if (policies.length > POLICIES_MAX)
      context.addIssue(`at most ${POLICIES_MAX} policies, not ${policies.length}`);
    for (const [id, { conditions }] of policies) {
      for (const { body } of conditions) {
        if (depth(body) > DEPTH_MAX)
          context.addIssue(`policy ${id}: a condition is deeper than ${DEPTH_MAX}`);
        if (conjuncts(body).length > CONJUNCTS_MAX)
          context.addIssue(
            `policy ${id}: a condition has more than ${CONJUNCTS_MAX} parts joined by &&`,
          );
      }
    }
  });

export type PolicyDocument = z.output<typeof policyDocument>;

/** The parts of a condition that `&&` joins at its top: each is traced by itself. */
export function conjuncts(body: Expression): Expression[] {
  const and = (body as { "&&"?: Two })["&&"];
  return and === undefined ? [body] : [...conjuncts(and.left), ...conjuncts(and.right)];
}

/** Left arms of `&&` chains do not count: a hundred conjuncts are wide, not deep. */
function depth(node: unknown): number {
  if (typeof node !== "object" || node === null) return 0;
  const and = (node as { "&&"?: Two })["&&"];
  if (and !== undefined) return Math.max(depth(and.left), 1 + depth(and.right));
  return (
    (Array.isArray(node) || !("left" in node) ? 0 : 1) +
    Math.max(0, ...Object.values(node).map(depth))
  );
}
