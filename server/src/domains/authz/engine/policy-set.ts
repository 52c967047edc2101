import type { Environment } from "./compile.ts";
import type { Entities } from "./entities.ts";
import type { PolicySetJson } from "./est.ts";
import { CompiledPolicy } from "./policy.ts";
import { Budget, BudgetSpent, type CedarRecord, type EntityRef, Failure, kindOf } from "./value.ts";

/** Name and version of this evaluator: part of every trace hash. Another version may decide otherwise. */
export const ENGINE = { name: "sealbase-est", version: "2" } as const;

/** What one request may cost, in steps of `Budget`; ten milliseconds or so. A part of what the engine's version says. */
export const BUDGET = 1_000_000;

export interface Request {
  readonly principal: EntityRef;
  readonly action: EntityRef;
  readonly resource: EntityRef;
  readonly context: CedarRecord;
  readonly entities: Entities;
}

export interface Decision {
  readonly outcome: "allow" | "deny";
  /** The policies that determined it, sorted; none when nothing permits. */
  readonly reasons: readonly string[];
  /** Policies that could not be evaluated, sorted. */
  readonly errors: readonly string[];
}

export interface Traced extends Decision {
  /** Every policy that is in reach of action and resource type, sorted by id. */
  readonly steps: readonly Step[];
}

/** How one policy was weighed. */
export interface Step {
  readonly policy: CompiledPolicy;
  readonly outcome: "no_match" | "allow" | "deny" | "error";
  readonly principal: boolean;
  readonly resource: boolean;
  /** Of each clause of the policy; empty when the scope does not match. */
  readonly clauses: readonly Weighed[];
}

export type Weighed = boolean | Failure;

export interface Options {
  /** Cedar skips a `forbid` that fails, which allows; that is for comparing with it alone. */
  readonly failingForbids: "deny" | "skip";
}

/** Policies, ready to decide. Deny by default; a `forbid` that applies wins, and so does one in scope that fails. */
export class PolicySet {
  readonly policies: readonly CompiledPolicy[];
  readonly #failingForbids: Options["failingForbids"];
  readonly #inReach = new Map<string, InReach>();

  constructor(json: PolicySetJson, { failingForbids }: Options = { failingForbids: "deny" }) {
    this.#failingForbids = failingForbids;
    this.policies = [
      ...Object.entries(json.staticPolicies).map(([id, policy]) => new CompiledPolicy(id, policy)),
      ...(json.templateLinks ?? []).map(
        ({ templateId, newId, values }) =>
          new CompiledPolicy(newId, json.templates![templateId]!, values),
      ),
    ].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The decision alone: clauses are evaluated until one settles the matter. */
  decide(request: Request): Decision {
    const environment = environmentOf(request);
    const verdict = new Verdict(this.#failingForbids);
    try {
      for (const policy of this.#reach(request)) {
        environment.budget.spend(1);
        if (!policy.principal(request.principal, request.entities)) continue;
        if (!policy.resource(request.resource, request.entities)) continue;
        verdict.add(policy, holds(policy, environment));
      }
    } catch (error) {
      verdict.breakOff(error);
    }
    return verdict.decision();
  }

  /** The same decision with every clause of every policy in scope weighed, those behind the deciding one, too. */
  trace(request: Request): Traced {
    const environment = environmentOf(request);
    const beyond = environmentOf(request);
    const verdict = new Verdict(this.#failingForbids);
    const steps: Step[] = [];
    try {
      for (const policy of this.#reach(request)) {
        environment.budget.spend(1);
        const principal = policy.principal(request.principal, request.entities);
        const resource = policy.resource(request.resource, request.entities);
        if (principal && resource) {
          const clauses: Weighed[] = [];
          const found = weigh(policy, environment, beyond, clauses);
          verdict.add(policy, found);
          steps.push({ policy, outcome: outcomeOf(policy, found), principal, resource, clauses });
        } else steps.push({ policy, outcome: "no_match", principal, resource, clauses: NONE });
      }
    } catch (error) {
      verdict.breakOff(error);
    }
    return { ...verdict.decision(), steps };
  }

  #reach({ action, resource, entities }: Request): readonly CompiledPolicy[] {
    const key = `${resource.type} ${action.key}`;
    const groups = entities.ancestors(action);
    const known = this.#inReach.get(key);
    if (known !== undefined && sameKeys(known.groups, groups)) return known.policies;
    const policies = this.policies.filter(
      (policy) =>
        (policy.resourceType === null || policy.resourceType === resource.type) &&
        policy.action(action, entities),
    );
    // Callers choose actions and types of what they ask about: the memory of it is bounded.
    if (this.#inReach.size >= REACHES_MAX) this.#inReach.clear();
    this.#inReach.set(key, { groups, policies });
    return policies;
  }
}

const REACHES_MAX = 1_000;

/** The policies for an action and a resource type, while the action is in these groups. */
interface InReach {
  readonly groups: ReadonlySet<string>;
  readonly policies: readonly CompiledPolicy[];
}

function sameKeys(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const key of a) if (!b.has(key)) return false;
  return true;
}

const NONE: readonly Weighed[] = [];

const environmentOf = (request: Request): Environment => ({
  principal: request.principal,
  action: request.action,
  resource: request.resource,
  context: request.context,
  entities: request.entities,
  budget: new Budget(BUDGET),
});

/** Conditions from the first to the last, and the clauses of each from left to right: the first that settles it. */
function holds({ clauses }: CompiledPolicy, environment: Environment): Weighed {
  for (let at = 0; at < clauses.length; ) {
    const { condition, kind } = clauses[at]!;
    let held: Weighed = true;
    for (; at < clauses.length && clauses[at]!.condition === condition; at++)
      if (held === true) held = test(clauses[at]!, environment);
    if (held instanceof Failure) return held;
    if (held !== (kind === "when")) return false;
  }
  return true;
}

/** `holds`, and each clause into `clauses`; what comes after the settling one has a budget of its own. */
function weigh(
  policy: CompiledPolicy,
  environment: Environment,
  beyond: Environment,
  clauses: Weighed[],
): Weighed {
  let settled: Weighed | undefined;
  for (let at = 0; at < policy.clauses.length; ) {
    const { condition, kind } = policy.clauses[at]!;
    let held: Weighed = true;
    for (; at < policy.clauses.length && policy.clauses[at]!.condition === condition; at++) {
      const decides: boolean = settled === undefined && held === true;
      const found: Weighed = decides
        ? test(policy.clauses[at]!, environment)
        : testBeyond(policy.clauses[at]!, beyond);
      clauses.push(found);
      if (held === true) held = found;
    }
    if (held instanceof Failure) settled ??= held;
    else if (held !== (kind === "when")) settled ??= false;
  }
  return settled ?? true;
}

function test({ test: run }: CompiledPolicy["clauses"][number], environment: Environment): Weighed {
  const found = run(environment);
  if (typeof found === "boolean" || found instanceof Failure) return found;
  return new Failure("type", `a boolean was expected, not ${kindOf(found)}`);
}

function testBeyond(clause: CompiledPolicy["clauses"][number], beyond: Environment): Weighed {
  try {
    return test(clause, beyond);
  } catch (error) {
    if (error instanceof BudgetSpent) return SPENT;
    throw error;
  }
}

const SPENT = new Failure("budget", "not weighed: the request's budget of steps is spent");

const outcomeOf = ({ effect }: CompiledPolicy, found: Weighed): Step["outcome"] => {
  if (found instanceof Failure) return "error";
  if (!found) return "no_match";
  return effect === "permit" ? "allow" : "deny";
};

/** Gathers what policies say. They come sorted by id, so what it gathers is sorted. */
class Verdict {
  readonly #permits: string[] = [];
  readonly #forbids: string[] = [];
  readonly #errors: string[] = [];
  readonly #failingForbids: Options["failingForbids"];
  #denies = false;

  constructor(failingForbids: Options["failingForbids"]) {
    this.#failingForbids = failingForbids;
  }

  add({ id, effect }: CompiledPolicy, found: Weighed): void {
    if (found instanceof Failure) {
      this.#errors.push(id);
      this.#denies ||= effect === "forbid" && this.#failingForbids === "deny";
    } else if (found) (effect === "permit" ? this.#permits : this.#forbids).push(id);
  }

  /** The rest of the policies was not weighed, so nothing is allowed. */
  breakOff(error: unknown): void {
    if (!(error instanceof BudgetSpent)) throw error;
    this.#errors.push(BUDGET_SPENT);
    this.#denies = true;
  }

  decision(): Decision {
    const forbidden = this.#forbids.length > 0;
    const allowed = this.#permits.length > 0 && !forbidden && !this.#denies;
    return {
      outcome: allowed ? "allow" : "deny",
      reasons: allowed ? this.#permits : this.#forbids,
      errors: this.#errors.sort(),
    };
  }
}

/** Stands among the errors of a decision that was broken off. No policy has this id: they have no spaces. */
export const BUDGET_SPENT = "budget of steps spent";
