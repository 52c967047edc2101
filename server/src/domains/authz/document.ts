import { z } from "zod";
import { clauseText, pathsOf } from "./clause.ts";
import { COMPARISONS, conjuncts, type Expression, LOGIC, partsOf } from "./expression.ts";

/**
 * Policies in Cedar's JSON form (EST), the part of it that the evaluator decides: scopes by `All`, `==`, `in`, `is`;
 * conditions over literals, variables, attributes, comparisons, logic and sets. Integers only, and only safe ones.
 */
const POLICIES_MAX = 200;
const BYTES_MAX = 128 * 1_024;
/** Expressions in all conditions: each is evaluated once at most. */
const PARTS_MAX = 10_000;
const TRACE_BYTES_MAX = 64 * 1_024;
const DEPTH_MAX = 32;
const SET_DEPTH_MAX = 2;
const CONJUNCTS_MAX = 100;
const SET_MAX = 1_000;

const name = z.string().min(1).max(200);
const entity = z.strictObject({ type: name, id: name });

const all = z.strictObject({ op: z.literal("All") });
const equal = z.strictObject({ op: z.literal("=="), entity });
const within = z.strictObject({ op: z.literal("in"), entity });
const withinAny = z.strictObject({
  op: z.literal("in"),
  entities: z.array(entity).min(1).max(100),
});
const is = z.strictObject({ op: z.literal("is"), entity_type: name });

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

/** A document as it was stored. Limits are for authors: a lower one must not undo what has been decided with. */
export const storedDocument = z.strictObject({ staticPolicies: z.record(name, policy) });

export type PolicyDocument = z.output<typeof storedDocument>;

/** A document as an author may store it: what one decision by it costs, in time and in its trace, is bounded. */
export const policyDocument = storedDocument.superRefine((document, context) => {
  const policies = Object.entries(document.staticPolicies);
  const atMost = (max: number, what: string, found: number): boolean => {
    if (found > max) context.addIssue(`at most ${max} ${what}, not ${found}`);
    return found <= max;
  };
  const parts = policies
    .flatMap(([, { conditions }]) => conditions)
    .reduce((sum, { body }) => sum + count(body), 0);
  const small = [
    atMost(POLICIES_MAX, "policies", policies.length),
    atMost(BYTES_MAX, "bytes of canonical JSON", bytes(document)),
    atMost(PARTS_MAX, "parts of conditions", parts),
  ];
  if (small.includes(false)) return;
  for (const [id, { conditions }] of policies) {
    for (const { body } of conditions) {
      if (depth(body) > DEPTH_MAX)
        context.addIssue(`policy ${id}: a condition is deeper than ${DEPTH_MAX}`);
      if (setDepth(body) > SET_DEPTH_MAX)
        context.addIssue(`policy ${id}: sets stand in each other more than ${SET_DEPTH_MAX} deep`);
      if (conjuncts(body).length > CONJUNCTS_MAX)
        context.addIssue(
          `policy ${id}: a condition has more than ${CONJUNCTS_MAX} parts joined by &&`,
        );
    }
  }
  const trace = traceBytes(document);
  if (trace > TRACE_BYTES_MAX)
    context.addIssue(
      `the trace of a decision may take at most ${TRACE_BYTES_MAX} bytes, not ${trace}: write fewer policies, or fewer and shorter conditions`,
    );
});

/** What the trace of a decision takes at most: every policy in reach, every clause weighed, each of them broken. */
export function traceBytes({ staticPolicies }: PolicyDocument): number {
  return Object.entries(staticPolicies)
    .map(([policy_id, { effect, conditions }]) => {
      const clauses = conditions.flatMap(({ kind, body }) =>
        conjuncts(body).map((part) => ({
          kind,
          clause: clauseText(part),
          holds: "error",
          error: longestError(part),
          reads: Object.fromEntries(pathsOf(part).map(({ text }) => [text, DIGEST])),
        })),
      );
      const scope = { principal: false, resource: false };
      const step = { policy_id, effect, outcome: "no_match", ...scope, conditions: clauses };
      // It is named once more, among the reasons or the errors; commas.
      return bytes(step) + bytes(policy_id) + 2;
    })
    .reduce((sum, each) => sum + each, BRACKETS);
}

const DIGEST = "0".repeat(64);
const BRACKETS = 16;
/** Longer than every message that names no attribute. */
const ERROR = "-".repeat(64);

function longestError(node: Expression): string {
  const own = "." in node ? `attribute ${node["."].attr} is missing` : "";
  return [own, ...partsOf(node).map(longestError)].reduce(
    (longest, each) => (bytes(each) > bytes(longest) ? each : longest),
    ERROR,
  );
}

/** Of canonical JSON: only the order of fields is another. */
const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

const count = (node: Expression): number =>
  partsOf(node).reduce((sum, part) => sum + count(part), 1);

const deepest = (node: Expression, of: (part: Expression) => number): number =>
  partsOf(node).reduce((most, part) => Math.max(most, of(part)), 0);

/** Left arms of `&&` chains do not count: a hundred conjuncts are wide, not deep. */
function depth(node: Expression): number {
  if ("&&" in node && node["&&"] !== undefined)
    return Math.max(depth(node["&&"].left), 1 + depth(node["&&"].right));
  return partsOf(node).length === 0 ? 0 : 1 + deepest(node, depth);
}

const setDepth = (node: Expression): number => ("Set" in node ? 1 : 0) + deepest(node, setDepth);
