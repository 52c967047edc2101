import type { Scope, Variable } from "../engine/est.ts";
import {
  BUDGET_SPENT,
  type CompiledPolicy,
  type Expression,
  type PolicySet,
  type Request,
} from "../engine/index.ts";
import { BUDGET } from "../engine/policy-set.ts";
import { Budget, BudgetSpent } from "../engine/value.ts";
import { type Part, Reducer, ToldEntities } from "./partial.ts";
import { Unsupported } from "./unsupported.ts";

/** What is left to ask of a row by one policy that takes part. */
export interface Residual {
  readonly id: string;
  readonly effect: "permit" | "forbid";
  readonly part: Part;
}

/**
 * Every policy that may still decide, with what of it depends on the resource (and on the principal, when that is open, too).
 * Those that cannot match, or whose conditions are false whatever the resource is, are left out. Throws `Unsupported`.
 */
export function residualsOf(
  policies: PolicySet,
  request: Request,
  { open, tabled }: { open: readonly ("principal" | "resource")[]; tabled: ReadonlySet<string> },
): { readonly residuals: readonly Residual[]; readonly entities: ToldEntities } {
  const entities = new ToldEntities(request.entities, tabled);
  const environment = { ...request, entities, budget: new Budget(BUDGET) };
  const facts = { environment, open: new Set<Variable>(open) };
  const residuals: Residual[] = [];
  for (const policy of policies.policies)
    about(policy.id, () => {
      const { resourceType, action, principal, id, effect } = policy;
      if (resourceType !== null && resourceType !== request.resource.type) return;
      if (!action(request.action, entities)) return;
      const isOpen = open.includes("principal");
      if (!isOpen && !principal(request.principal, entities)) return;
      const reducer = new Reducer(facts, policy.slots);
      let part: Part = { is: "known", value: true, node: { Value: true } };
      for (const demand of demandsOf(policy, isOpen))
        part = reducer.and(part, () => reducer.of(demand));
      if (part.is === "known" && typeof part.value !== "boolean")
        part = { is: "failing", node: part.node };
      if (part.is !== "known" || part.value === true) residuals.push({ id, effect, part });
    });
  return { residuals, entities };
}

/** Names the policy in what it is refused by. */
export function about<T>(policy: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const found =
      error instanceof BudgetSpent
        ? new Unsupported("size", `what is known takes too long to evaluate: ${BUDGET_SPENT}`)
        : error;
    if (found instanceof Unsupported) found.policy ??= policy;
    throw found;
  }
}

interface Demands {
  readonly principal: Expression | null;
  readonly others: readonly Expression[];
}

/** Made once for each policy: what is known of an expression is kept by the expression itself. */
const demands = new WeakMap<CompiledPolicy, Demands>();

/** Scope and conditions as expressions, in the order of their evaluation. */
function demandsOf(policy: CompiledPolicy, withPrincipal: boolean): readonly Expression[] {
  let found = demands.get(policy);
  if (found === undefined) {
    const { source, slots } = policy;
    const resource = scopeExpression("resource", source.resource, slots["?resource"]);
    const conditions = source.conditions.map(
      ({ kind, body }): Expression => (kind === "when" ? body : { "!": { arg: body } }),
    );
    found = {
      principal: scopeExpression("principal", source.principal, slots["?principal"]),
      others: resource === null ? conditions : [resource, ...conditions],
    };
    demands.set(policy, found);
  }
  const { principal, others } = found;
  return withPrincipal && principal !== null ? [principal, ...others] : others;
}

type Uid = { readonly type: string; readonly id: string };

function scopeExpression(
  variable: "principal" | "resource",
  scope: Scope,
  slot: Uid | undefined,
): Expression | null {
  const left: Expression = { Var: variable };
  const entity = (within: { readonly entity?: Uid | undefined }): Expression => ({
    Value: { __entity: within.entity ?? slot! },
  });
  switch (scope.op) {
    case "All":
      return null;
    case "is":
      return {
        is: {
          left,
          entity_type: scope.entity_type,
          ...(scope.in === undefined ? {} : { in: entity(scope.in) }),
        },
      };
    case "==":
      return { "==": { left, right: entity(scope) } };
    case "in":
      return { in: { left, right: entity(scope) } };
  }
}
