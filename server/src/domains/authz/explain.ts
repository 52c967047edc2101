import type { Facts } from "#kernel/refusal.ts";
import type { Question } from "#pipeline";
import {
  type Clause,
  type CompiledPolicy,
  Failure,
  jsonOf,
  type Request,
  type Step,
  scopeText,
  type Traced,
  valueAt,
  type Weighed,
} from "./engine/index.ts";
import { actionText, requestOf } from "./question.ts";
import { type Seen, type View, viewOfAgent } from "./view.ts";

export interface Explanation {
  readonly facts: Facts;
  /** One sentence: what would help. */
  readonly help: string;
}

const NEAREST_MAX = 3;
/** Characters of a value that an explanation names. */
const VALUE_MAX = 200;

/** A policy as far as a view shows it. */
interface Weighing extends Seen {
  readonly policy: CompiledPolicy;
  readonly step: Step;
}

/**
 * Why a question was denied, the strongest reason first: a forbid that applies; a policy that could not be evaluated;
 * the permits that came nearest, each with what failed and the facts that it read; no permit that mentions the action; no
 * policies at all. All of it as far as the view shows it.
 */
export function explain(question: Question, traced: Traced | null, view: View): Explanation {
  const asked = {
    principal: `${question.principal.type}:${question.principal.id}`,
    action: actionText(question.action),
  };
  if (traced === null)
    return {
      facts: { ...asked, why: "no_active_policy" },
      help: "This set has no active version: name one that has (GET /v1/policies), or write, validate and activate a version of it (POST /v1/policies/{set}/versions).",
    };
  const weighings = traced.steps.map((step) => ({ ...view.see(step), policy: step.policy, step }));
  const forbids = weighings.filter((one) => one.policy.effect === "forbid" && cameTo(one) === true);
  if (forbids.length > 0) return forbidden(asked, forbids, view);
  const broken = weighings.filter((one) => cameTo(one) === "error");
  if (broken.length > 0) return failed(asked, broken, view);
  return nearest(question, weighings, asked, view);
}

/** Why an agent session is denied what its account may not do: nothing of the account but this. */
export function explainToAgent(
  question: Question,
  traced: Traced | null,
  agent: Question["principal"],
): Explanation {
  const view = viewOfAgent(question, requestOf(question), agent);
  const { facts, help } = explain({ ...question, principal: agent }, traced, view);
  const { groups: _account, ...rest } = facts;
  return {
    facts: { ...rest, denied: "account" },
    help: `Your session may do this, the account in whose name it acts may not. ${help}`,
  };
}

/** Whether a policy applies, as far as it is shown; null: what is not shown decides. */
function cameTo({ principal, resource, clauses, step }: Weighing): boolean | "error" | null {
  if (principal === false || resource === false) return false;
  if (principal === null || resource === null || clauses.includes(null)) return null;
  return step.outcome === "error" ? "error" : step.outcome !== "no_match";
}

function forbidden(asked: Facts, forbids: readonly Weighing[], view: View): Explanation {
  const policies = forbids.map(({ policy }) => policy.id);
  const held = forbids.flatMap(({ policy, clauses }) =>
    policy.clauses.filter(({ kind }, i) => kind === "when" && clauses[i] === true),
  );
  const clauses = held.map((clause) => clause.textFor(view.shows));
  return {
    facts: { ...asked, why: "forbidden", policies, clauses },
    help: `Policy ${policies[0]} forbids this; change what its clauses name, or ask whoever keeps the policies.`,
  };
}

function failed(asked: Facts, broken: readonly Weighing[], view: View): Explanation {
  const policies = broken.map(({ policy }) => policy.id);
  const errors = broken.flatMap(({ policy, clauses }) =>
    policy.clauses.flatMap((clause, i) => {
      const weighed = clauses[i];
      if (!(weighed instanceof Failure)) return [];
      return [`${policy.id}: ${clause.textFor(view.shows)}: ${weighed.message}`];
    }),
  );
  return {
    facts: { ...asked, why: "policy_error", policies, errors },
    help: `Policy ${policies[0]} could not be evaluated and so denies; send the context attributes that it reads, or correct it.`,
  };
}

function nearest(
  question: Question,
  weighings: readonly Weighing[],
  asked: Facts,
  view: View,
): Explanation {
  const request = requestOf(question);
  const permits = weighings
    .filter(({ policy }) => policy.effect === "permit")
    // Of two that are as near, the one that gives less: nobody is sent to ask for an administrator's rights.
    .sort((a, b) => breadth(a.policy) - breadth(b.policy))
    .map((one) => shortOf(one, request, view))
    .sort((a, b) => a.fails.length - b.fails.length);
  const [first] = permits;
  if (first === undefined)
    return {
      facts: { ...asked, why: "no_permit_for_action", resource_type: question.resource.type },
      help: `Add a policy that permits ${actionText(question.action)} on ${question.resource.type}, in a new version of the set: POST /v1/policies/{set}/versions.`,
    };
  const facts = {
    ...asked,
    groups: [...question.principal.groups],
    nearest: permits.slice(0, NEAREST_MAX),
  };
  if (first.fails.length === 0)
    return {
      facts: { ...facts, why: "not_told" },
      help: "Facts decide that you may not read; ask somebody who may read this decision: GET /v1/decisions/{id}/why.",
    };
  return {
    facts: { ...facts, why: "no_permit_applies" },
    help: `Policy ${first.policy} would permit this if ${first.fails.join(" and ")}${first.untold > 0 ? ", and what you may not read fits" : ""}; meet that, or ask for a policy that permits it.`,
  };
}

/** How much a policy is about: one action, some, or every one. */
const breadth = ({ source: { action } }: CompiledPolicy): number =>
  action.op === "All" ? 2 : action.op === "in" ? 1 : 0;

/** What a permit is short of. `untold`: its parts that depend on what the view hides. */
function shortOf(one: Weighing, request: Request, view: View) {
  const { policy, principal, resource, clauses } = one;
  const { source, slots } = policy;
  const short = policy.clauses.filter((clause, i) => isShort(clause, clauses[i]));
  const hidden = [principal, resource, ...clauses].filter((part) => part === null).length;
  return {
    policy: policy.id,
    fails: [
      ...(principal === false ? [scopeText("principal", source.principal, slots, view.shows)] : []),
      ...(resource === false ? [scopeText("resource", source.resource, slots, view.shows)] : []),
      ...short.map((clause) => {
        const text = clause.textFor(view.shows);
        return clause.kind === "when" ? text : `not (${text})`;
      }),
    ],
    reads: readsOf(short, request, view),
    untold: hidden,
  };
}

const isShort = ({ kind }: Clause, held: Weighed | null | undefined): boolean =>
  held !== undefined && held !== null && held !== (kind === "when");

/** The facts that clauses read, by path; null: there is none. Long values are cut. */
function readsOf(clauses: readonly Clause[], request: Request, view: View): Facts {
  const paths = clauses.flatMap((clause) => clause.paths).filter((path) => path.names.length > 1);
  return Object.fromEntries(
    paths.filter(view.tells).map((path) => {
      const value = valueAt(path, request);
      const text = value === undefined ? null : JSON.stringify(jsonOf(value));
      return [
        path.text,
        text === null || text.length <= VALUE_MAX ? text : `${text.slice(0, VALUE_MAX)}…`,
      ];
    }),
  );
}
