import {
  conjuncts,
  type EntityUid,
  type Expression,
  type Path,
  type Policy,
  type PolicySetJson,
  partsOf,
  pathsOf,
  type TemplateLink,
  type ValueJson,
} from "./engine/index.ts";

/** A policy with the entities that its slots stand for. */
export interface Filled {
  readonly policy: Policy;
  readonly slots: TemplateLink["values"];
}

/** Static policies and links by their ids. */
export function filledOf({
  staticPolicies,
  templates = {},
  templateLinks = [],
}: PolicySetJson): Map<string, Filled> {
  return new Map<string, Filled>([
    ...Object.entries(staticPolicies).map(([id, policy]) => [id, { policy, slots: {} }] as const),
    ...templateLinks.map(
      ({ newId, templateId, values }) =>
        [newId, { policy: templates[templateId]!, slots: values }] as const,
    ),
  ]);
}

/** What one part of a policy's conditions reads, and what it compares that with. */
export interface Clause {
  readonly paths: readonly Path[];
  readonly constants: readonly ValueJson[];
}

/** The parts between `&&` of a policy's conditions. */
export const clausesOf = ({ policy, slots }: Filled): Clause[] =>
  policy.conditions
    .flatMap(({ body }) => conjuncts(body))
    .map((part) => ({ paths: pathsOf(part), constants: constantsOf(part, slots) }));

/** Constants in an expression. Extension values stand as the calls that make them. */
function constantsOf(node: Expression, slots: Filled["slots"]): ValueJson[] {
  const found = constantOf(node, slots);
  if (found !== undefined) return [found];
  return [...patternsOf(node), ...partsOf(node).flatMap((part) => constantsOf(part, slots))];
}

const CONSTRUCTORS: readonly string[] = ["ip", "decimal", "datetime", "duration"];

function constantOf(node: Expression, slots: Filled["slots"]): ValueJson | undefined {
  const [[operator, operand]] = Object.entries(node) as [[string, unknown]];
  if (operator === "Value") return operand as ValueJson;
  if (operator === "Slot") {
    const entity = slots[operand as keyof typeof slots];
    return entity && { __entity: entity };
  }
  if (operator === "neg") {
    const value = constantOf((operand as { readonly arg: Expression }).arg, slots);
    return typeof value === "number" ? -value : undefined;
  }
  if (operator === "Set") {
    const members = (operand as readonly Expression[]).map((one) => constantOf(one, slots));
    return members.every((one) => one !== undefined) ? members : undefined;
  }
  if (!CONSTRUCTORS.includes(operator)) return undefined;
  const arg = constantOf((operand as readonly Expression[])[0]!, slots);
  return typeof arg === "string" ? { __extn: { fn: operator, arg } } : undefined;
}

/** Texts that a pattern matches: nothing, and something, for what may be anything. */
function patternsOf(node: Expression): string[] {
  if (!("like" in node)) return [];
  const { pattern } = node.like as {
    readonly pattern: readonly ("Wildcard" | { readonly Literal: string })[];
  };
  return ["", "x"].map((any) =>
    pattern.map((part) => (part === "Wildcard" ? any : part.Literal)).join(""),
  );
}

/** The entities that a scope of principal or resource names. */
export function namedIn(scope: Policy["principal"], slots: Filled["slots"]): EntityUid[] {
  const within = scope.op === "is" ? scope.in : scope.op === "All" ? undefined : scope;
  const entity = within?.entity ?? (within?.slot === undefined ? undefined : slots[within.slot]);
  return entity === undefined ? [] : [entity];
}
