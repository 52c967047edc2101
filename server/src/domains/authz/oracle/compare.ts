import type { EntityFacts, Question } from "#pipeline";
import { BUDGET_SPENT, type Decision, type PolicySetJson } from "../engine/index.ts";

/** A recorded decision that Cedar is asked about, too. */
export interface Sample {
  readonly tenantId: string;
  readonly decisionId: string;
  readonly versionId: string;
  readonly policies: PolicySetJson;
  readonly question: Question;
  readonly decision: Decision;
}

/** Cedar's answer. */
export type Answer =
  | { readonly type: "failure"; readonly errors: readonly { readonly message: string }[] }
  | {
      readonly type: "success";
      readonly response: {
        readonly decision: "allow" | "deny";
        readonly diagnostics: {
          readonly reason: readonly string[];
          readonly errors: readonly { readonly policyId: string }[];
        };
      };
    };

/** Decision of an answer, its lists sorted. */
export const decisionOf = ({
  response: { decision, diagnostics },
}: Answer & { type: "success" }): Decision => ({
  outcome: decision,
  reasons: [...diagnostics.reason].sort(),
  errors: diagnostics.errors.map(({ policyId }) => policyId).sort(),
});

/**
 * What we must say where Cedar says this: the same, but for a `forbid` that fails. Cedar skips it; with us it denies, and
 * no permit counts.
 */
export function expected(theirs: Decision, isForbid: (policy: string) => boolean): Decision {
  if (theirs.outcome === "deny" || !theirs.errors.some(isForbid)) return theirs;
  return { ...theirs, outcome: "deny", reasons: [] };
}

/** What came of a comparison; `incomparable`: ours was broken off, or the question is none to Cedar. */
export type Finding =
  | { readonly outcome: "agreed" }
  | { readonly outcome: "incomparable"; readonly because: string }
  | { readonly outcome: "disagreed"; readonly expected: Decision };

export function compare({ decision, policies }: Sample, answer: Answer): Finding {
  if (decision.errors.includes(BUDGET_SPENT))
    return { outcome: "incomparable", because: BUDGET_SPENT };
  if (answer.type === "failure")
    return { outcome: "incomparable", because: answer.errors.map((one) => one.message).join("; ") };
  const wanted = expected(decisionOf(answer), forbidsOf(policies));
  return same(wanted, decision)
    ? { outcome: "agreed" }
    : { outcome: "disagreed", expected: wanted };
}

function forbidsOf({ staticPolicies, templates = {}, templateLinks = [] }: PolicySetJson) {
  const links = new Map(templateLinks.map(({ newId, templateId }) => [newId, templateId]));
  return (id: string): boolean =>
    (staticPolicies[id] ?? templates[links.get(id) ?? ""])?.effect === "forbid";
}

const same = (a: Decision, b: Decision): boolean =>
  a.outcome === b.outcome && equal(a.reasons, b.reasons) && equal(a.errors, b.errors);

const equal = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, i) => one === b[i]);

/** A sample as Cedar takes it. Made of the question as it came, not of what our evaluator read in it. */
export function callOf({ question, policies }: Sample) {
  const { principal, action, resource, context, entities = [] } = question;
  const isPrincipal = ({ uid }: EntityFacts): boolean =>
    uid.type === principal.type && uid.id === principal.id;
  const actionUid = { type: action.type ?? "Action", id: action.id };
  const told = entities.find(isPrincipal);
  const groups = principal.groups.map((id) => ({ type: "Group", id }));
  const declared = entities.some(
    ({ uid }) => uid.type === actionUid.type && uid.id === actionUid.id,
  );
  return {
    principal: { type: principal.type, id: principal.id },
    action: actionUid,
    resource: { type: resource.type, id: resource.id },
    context,
    policies,
    entities: [
      entity({ ...told, uid: principal, parents: [...groups, ...(told?.parents ?? [])] }),
      ...(declared
        ? []
        : [
            entity({
              uid: actionUid,
              parents: action.groups.map((id) => ({ type: "Action", id })),
            }),
          ]),
      ...entities.filter((one) => !isPrincipal(one)).map(entity),
    ],
  };
}

const entity = ({ uid: { type, id }, attrs = {}, parents = [], tags = {} }: EntityFacts) => ({
  uid: { type, id },
  attrs,
  parents,
  tags,
});
