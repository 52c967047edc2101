import type { Facts } from "#kernel/refusal.ts";
import type { Question } from "#pipeline";
import { type Clause, Failure, type Step, scopeText, type Traced } from "./engine/index.ts";

export interface Explanation {
  readonly facts: Facts;
  /** One sentence: what would help. */
  readonly help: string;
}

const NEAREST_MAX = 3;

/**
 * Why a question was denied, the strongest reason first: a forbid that applies; a policy that could not be evaluated;
 * the permits that came nearest, each with what failed; no permit that mentions the action; no policies at all.
 */
export function explain(question: Question, traced: Traced | null): Explanation {
  const asked = {
    principal: `${question.principal.type}:${question.principal.id}`,
    action: question.action.id,
  };
  if (traced === null)
    return {
      facts: { ...asked, why: "no_active_policy" },
      help: "Activate a policy version for this project: POST /v1/policies/default/versions.",
    };
  if (traced.reasons.length > 0)
    return {
      facts: {
        ...asked,
        why: "forbidden",
        policies: traced.reasons,
        clauses: clausesThatHold(traced),
      },
      help: `Policy ${traced.reasons[0]} forbids this; change what its clauses name, or ask whoever keeps the policies.`,
    };
  if (traced.errors.length > 0)
    return {
      facts: { ...asked, why: "policy_error", policies: traced.errors, errors: errorsOf(traced) },
      help: `Policy ${traced.errors[0]} could not be evaluated and so denies; send the context attributes that it reads, or correct it.`,
    };
  return nearest(question, traced, asked);
}

function nearest(
  question: Question,
  traced: Traced,
  asked: { principal: string; action: string },
): Explanation {
  const permits = traced.steps
    .filter(({ policy }) => policy.effect === "permit")
    .map((step) => ({ policy: step.policy.id, fails: failing(step) }))
    .sort((a, b) => a.fails.length - b.fails.length)
    .slice(0, NEAREST_MAX);
  const [first] = permits;
  if (first === undefined)
    return {
      facts: { ...asked, why: "no_permit_for_action", resource_type: question.resource.type },
      help: `Add a policy that permits ${question.action.id} on ${question.resource.type}: POST /v1/policies/default/versions.`,
    };
  return {
    facts: {
      ...asked,
      why: "no_permit_applies",
      groups: [...question.principal.groups],
      nearest: permits,
    },
    help: `Policy ${first.policy} would permit this if ${first.fails.join(" and ")}; meet that, or ask for a policy that permits it.`,
  };
}

function failing({ policy, principal, resource, clauses }: Step): string[] {
  const { source, slots } = policy;
  return [
    ...(principal ? [] : [scopeText("principal", source.principal, slots)]),
    ...(resource ? [] : [scopeText("resource", source.resource, slots)]),
    ...policy.clauses
      .filter(({ kind }, i) => clauses.length > 0 && clauses[i] !== (kind === "when"))
      .map(({ kind, text }) => (kind === "when" ? text : `not (${text})`)),
  ];
}

const clausesThatHold = ({ steps, reasons }: Traced): string[] =>
  weighed(steps)
    .filter(
      ({ policy, clause, held }) =>
        reasons.includes(policy) && clause.kind === "when" && held === true,
    )
    .map(({ clause }) => clause.text);

const errorsOf = ({ steps }: Traced): string[] =>
  weighed(steps).flatMap(({ policy, clause, held }) =>
    held instanceof Failure ? [`${policy}: ${clause.text}: ${held.message}`] : [],
  );

const weighed = (steps: readonly Step[]) =>
  steps.flatMap(({ policy, clauses }) =>
    clauses.map((held, i): { policy: string; clause: Clause; held: boolean | Failure } => ({
      policy: policy.id,
      clause: policy.clauses[i]!,
      held,
    })),
  );
