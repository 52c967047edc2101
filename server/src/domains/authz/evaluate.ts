import { createHash } from "node:crypto";
import type { Question } from "#pipeline";
import { canonicalJson } from "#verifier";
import { clauseText, type Path, pathsOf } from "./clause.ts";
import type { Policy, PolicyDocument } from "./document.ts";
import {
  type Compiled,
  compile,
  conjuncts,
  type Entity,
  type Environment,
  EvaluationError,
  isIn,
  keyOf,
} from "./expression.ts";

/** Name and version of this evaluator: part of every trace hash, stored with every policy version. */
export const ENGINE = { name: "sealbase-est", version: "1" } as const;
export const ENGINE_TEXT = `${ENGINE.name} ${ENGINE.version}`;

/** How one policy was weighed. */
export interface Step {
  readonly policy_id: string;
  readonly effect: "permit" | "forbid";
  readonly outcome: "no_match" | "allow" | "deny" | "error";
  readonly principal: boolean;
  readonly resource: boolean;
  readonly conditions: readonly ConditionStep[];
}

export interface ConditionStep {
  readonly kind: "when" | "unless";
  /** Cut when it is long: the whole stands in the version. */
  readonly clause: string;
  readonly holds: boolean | "error";
  readonly error?: string;
  /** Paths that the clause reads, each with SHA-256 of its value's canonical JSON; null when it is missing. */
  readonly reads: Readonly<Record<string, string | null>>;
}

export interface Verdict {
  readonly outcome: "allow" | "deny";
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
  readonly steps: readonly Step[];
}

interface CompiledPolicy {
  readonly id: string;
  readonly policy: Policy;
  readonly clauses: readonly Clause[];
}

interface Clause {
  readonly kind: "when" | "unless";
  readonly text: string;
  readonly paths: readonly Path[];
  readonly test: Compiled;
  /** Which condition it is a part of. */
  readonly condition: number;
}

/** A policy version, compiled; finds the policies in reach of an action and resource type once. */
export class Evaluator {
  readonly #policies: readonly CompiledPolicy[];
  readonly #inReach = new Map<string, readonly CompiledPolicy[]>();

  constructor(document: PolicyDocument) {
    this.#policies = Object.entries(document.staticPolicies)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, policy]) => ({ id, policy, clauses: clausesOf(policy) }));
  }

  /** Deny by default; `forbid` wins; an error in a `forbid` that is in reach denies. Never throws for what a policy does. */
  evaluate(question: Question): Verdict {
    const environment = environmentOf(question);
    const read = readerOf(environment);
    const steps = this.#reach(question, environment).map((policy) =>
      weigh(policy, environment, read),
    );
    const by = (outcome: Step["outcome"], effect: Step["effect"]) =>
      steps
        .filter((step) => step.outcome === outcome && step.effect === effect)
        .map((step) => step.policy_id);
    const [forbids, permits] = [by("deny", "forbid"), by("allow", "permit")];
    const brokenForbids = by("error", "forbid");
    const allowed = permits.length > 0 && forbids.length === 0 && brokenForbids.length === 0;
    return {
      outcome: allowed ? "allow" : "deny",
      reasons: allowed ? permits : forbids,
      errors: [...brokenForbids, ...by("error", "permit")].sort(),
      steps,
    };
  }

  #reach({ action, resource }: Question, environment: Environment): readonly CompiledPolicy[] {
    const key = JSON.stringify([action.id, action.groups, resource.type]);
    let found = this.#inReach.get(key);
    if (found === undefined) {
      found = this.#policies.filter(({ policy }) =>
        reaches(policy, environment.action, resource.type),
      );
      // Callers choose actions and types of what they ask about: the memory of it is bounded.
      if (this.#inReach.size >= 1_000) this.#inReach.clear();
      this.#inReach.set(key, found);
    }
    return found;
  }
}

function clausesOf({ conditions }: Policy): Clause[] {
  return conditions.flatMap(({ kind, body }, condition) =>
    conjuncts(body).map((part) => ({
      kind,
      condition,
      text: clauseText(part),
      paths: pathsOf(part),
      test: compile(part),
    })),
  );
}

const environmentOf = ({ principal, action, resource, context }: Question): Environment => ({
  principal: {
    type: principal.type,
    id: principal.id,
    parents: parentsOf("Group", principal.groups),
  },
  action: { type: "Action", id: action.id, parents: parentsOf("Action", action.groups) },
  resource: { type: resource.type, id: resource.id, parents: new Set() },
  context,
});

const parentsOf = (type: string, ids: readonly string[]): ReadonlySet<string> =>
  new Set(ids.map((id) => keyOf({ type, id })));

function reaches({ action, resource }: Policy, entity: Entity, resourceType: string): boolean {
  if (resource.op === "is" && resource.entity_type !== resourceType) return false;
  if (resource.op === "==" && resource.entity.type !== resourceType) return false;
  return matches(action, entity);
}

function matches(scope: Policy["principal" | "action" | "resource"], entity: Entity): boolean {
  switch (scope.op) {
    case "All":
      return true;
    case "is":
      return entity.type === scope.entity_type;
    case "==":
      return entity.type === scope.entity.type && entity.id === scope.entity.id;
    case "in":
      return "entities" in scope
        ? scope.entities.some((group) => isIn(entity, group))
        : isIn(entity, scope.entity);
  }
}

function weigh(
  { id, policy, clauses }: CompiledPolicy,
  environment: Environment,
  read: Reader,
): Step {
  const principal = matches(policy.principal, environment.principal);
  const resource = matches(policy.resource, environment.resource);
  const weighed = { policy_id: id, effect: policy.effect, principal, resource };
  if (!principal || !resource) return { ...weighed, outcome: "no_match", conditions: [] };
  const conditions = clauses.map((clause) => check(clause, environment, read));
  return {
    ...weighed,
    conditions,
    outcome: outcomeOf(policy.effect, verdictOf(clauses, conditions)),
  };
}

function outcomeOf(effect: Step["effect"], holds: boolean | "error"): Step["outcome"] {
  if (holds === "error") return "error";
  if (!holds) return "no_match";
  return effect === "permit" ? "allow" : "deny";
}

/** Conditions from the first to the last, and the parts of each from left to right: the first that decides, decides. */
function verdictOf(clauses: readonly Clause[], steps: readonly ConditionStep[]): boolean | "error" {
  for (let at = 0; at < clauses.length; ) {
    const { condition, kind } = clauses[at]!;
    let holds: boolean | "error" = true;
    for (; at < clauses.length && clauses[at]!.condition === condition; at++)
      if (holds === true) holds = steps[at]!.holds;
    if (holds === "error") return "error";
    if (holds !== (kind === "when")) return false;
  }
  return true;
}

function check(
  { kind, text, paths, test }: Clause,
  environment: Environment,
  read: Reader,
): ConditionStep {
  const reads = Object.fromEntries(paths.map((path) => [path.text, read(path)]));
  const step = { kind, clause: text, reads };
  try {
    const holds = test(environment);
    if (typeof holds !== "boolean") throw new EvaluationError("the condition is not a boolean");
    return { ...step, holds };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return { ...step, holds: "error", error: error.message };
  }
}

type Reader = (path: Path) => string | null;

/** Hashes what paths lead to, each once a question: many clauses read the same long list. */
function readerOf(environment: Environment): Reader {
  const hashes = new Map<string, string | null>();
  return ({ names }) => {
    const key = names.length === 2 ? `${names[0]}.${names[1]}` : JSON.stringify(names);
    let hash = hashes.get(key);
    if (hash === undefined) {
      hash = hashAt(names, environment);
      hashes.set(key, hash);
    }
    return hash;
  };
}

function hashAt([variable, ...attributes]: Path["names"], environment: Environment): string | null {
  let value: unknown = environment[variable];
  for (const attribute of attributes)
    value =
      typeof value === "object" && value !== null && Object.hasOwn(value, attribute)
        ? (value as Record<string, unknown>)[attribute]
        : undefined;
  if (value === undefined) return null;
  return hashOf(variable === "context" ? value : keyOf(environment[variable]));
}

const hashOf = (value: unknown): string =>
  createHash("sha256").update(canonicalJson(value)).digest("hex");
