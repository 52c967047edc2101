import type { Facts } from "#kernel/refusal.ts";
import type { Question } from "#pipeline";
import { scopeText } from "./clause.ts";
import type { PolicyDocument } from "./document.ts";
import { type Step, type Verdict } from "./evaluate.ts";

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
export function explain(
  document: PolicyDocument | null,
  question: Question,
  verdict: Verdict,
): Explanation {
  const asked = {
    principal: `${question.principal.type}:${question.principal.id}`,
    action: question.action.id,
  };
  if (document === null)
    return {
      facts: { ...asked, why: "no_active_policy" },
      help: "Activate a policy version for this project: POST /v1/policies/default/versions.",
    };
  if (verdict.reasons.length > 0)
    return {
      facts: {
        ...asked,
        why: "forbidden",
        policies: verdict.reasons,
        clauses: clausesThatHold(verdict),
      },
      help: `Policy ${verdict.reasons[0]} forbids this; change what its clauses name, or ask whoever keeps the policies.`,
    };
  if (verdict.errors.length > 0)
    return {
      facts: { ...asked, why: "policy_error", policies: verdict.errors, errors: errorsOf(verdict) },
      help: `Policy ${verdict.errors[0]} could not be evaluated and so denies; send the context attributes that it reads, or correct it.`,
    };
  return nearest(document, question, verdict, asked);
}

function nearest(
  document: PolicyDocument,
  question: Question,
  verdict: Verdict,
  asked: { principal: string; action: string },
): Explanation {
  const permits = verdict.steps
    .filter(({ effect }) => effect === "permit")
    .map((step) => ({ policy: step.policy_id, fails: failing(document, step) }))
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

function failing(document: PolicyDocument, step: Step): string[] {
  const policy = document.staticPolicies[step.policy_id]!;
  return [
    ...(step.principal ? [] : [scopeText("principal", policy.principal)]),
    ...(step.resource ? [] : [scopeText("resource", policy.resource)]),
    ...step.conditions
      .filter(({ kind, holds }) => holds !== (kind === "when"))
      .map(({ kind, clause }) => (kind === "when" ? clause : `not (${clause})`)),
  ];
}

const clausesThatHold = ({ steps, reasons }: Verdict): string[] =>
  steps
    .filter(({ policy_id }) => reasons.includes(policy_id))
    .flatMap(({ conditions }) =>
      conditions.filter(({ kind, holds }) => kind === "when" && holds === true),
    )
    .map(({ clause }) => clause);

const errorsOf = ({ steps }: Verdict): string[] =>
  steps.flatMap(({ policy_id, conditions }) =>
    conditions
      .filter(({ error }) => error !== undefined)
      .map(({ clause, error }) => `${policy_id}: ${clause}: ${error}`),
  );
