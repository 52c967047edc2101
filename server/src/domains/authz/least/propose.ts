import type { ActionScope, Expression, Policy, PolicySetJson, Scope } from "../engine/index.ts";
import type { Range, Usage } from "./usage.ts";

/** What of a permit was used, and what the proposal makes of it. */
export interface Evidence {
  readonly policy: string;
  /** Ids of the policies that it becomes; none when it was never used. */
  readonly becomes: readonly string[];
  readonly used: readonly Usage[];
  /** Actions that stay though nobody used them: without them, the policies could not be changed again. */
  readonly kept: readonly string[];
}

export interface Proposal {
  readonly document: PolicySetJson;
  readonly evidence: readonly Evidence[];
}

/** Whoever could do these before can do them after: a proposal locks nobody out. */
export const KEPT: readonly string[] = [
  "authz.policy.get",
  "authz.policy-set.list",
  "authz.policy-version.activate",
  "authz.policy-version.create",
  "authz.policy-version.get",
  "authz.policy-version.list",
  "authz.policy-version.validate",
];

export const KEPT_TYPE = "PolicySet";

/**
 * The same policies, each permit narrowed to what it was used for: its actions and types of resources, and with `ranges`
 * the numbers and texts that contexts held. Its own scopes and conditions stay, so it permits no more than before; a forbid
 * stays as it is.
 * @param allows the actions of `KEPT` that a permit allows for somebody, by its id
 */
export function propose(
  document: PolicySetJson,
  usage: readonly Usage[],
  ranges: readonly Range[],
  allows: (policy: string) => readonly string[],
): Proposal {
  const taken = new Set([
    ...Object.keys(document.staticPolicies),
    ...Object.keys(document.templates ?? {}),
  ]);
  const staticPolicies: Record<string, Policy> = {};
  const evidence: Evidence[] = [];
  for (const [id, policy] of permitsOf(document)) {
    const used = usage.filter((one) => one.policy === id);
    const kept = allows(id).filter((action) => !used.some((one) => one.action === action));
    const parts = partsOf(
      used,
      kept,
      ranges.filter((range) => range.policy === id),
    );
    const becomes = parts.map((part, i) => {
      const name = freeName(`${id}-used${parts.length === 1 ? "" : `-${i + 1}`}`, taken);
      staticPolicies[name] = narrowed(policy, name, part);
      return name;
    });
    evidence.push({ policy: id, becomes, used, kept });
  }
  for (const [id, policy] of Object.entries(document.staticPolicies))
    if (policy.effect === "forbid") staticPolicies[id] = policy;
  return { document: { staticPolicies, ...forbiddingTemplates(document) }, evidence };
}

/** Permits by id; those of templates with their slots filled. */
function permitsOf({
  staticPolicies,
  templates = {},
  templateLinks = [],
}: PolicySetJson): [string, Policy][] {
  const linked = templateLinks.map(({ templateId, newId, values }): [string, Policy] => {
    const { principal, resource, ...rest } = templates[templateId]!;
    const fill = (scope: Scope, slot: "?principal" | "?resource"): Scope => {
      const entity = values[slot];
      if (scope.op === "All" || entity === undefined) return scope;
      if (scope.op !== "is") return scope.slot === undefined ? scope : { op: scope.op, entity };
      return scope.in?.slot === undefined ? scope : { ...scope, in: { entity } };
    };
    return [
      newId,
      { ...rest, principal: fill(principal, "?principal"), resource: fill(resource, "?resource") },
    ];
  });
  return [...Object.entries(staticPolicies), ...linked].filter(
    ([, { effect }]) => effect === "permit",
  );
}

function forbiddingTemplates({
  templates = {},
  templateLinks = [],
}: PolicySetJson): Partial<PolicySetJson> {
  const links = templateLinks.filter(
    ({ templateId }) => templates[templateId]!.effect === "forbid",
  );
  if (links.length === 0) return {};
  const used = Object.entries(templates).filter(([id]) =>
    links.some((link) => link.templateId === id),
  );
  return { templates: Object.fromEntries(used), templateLinks: links };
}

interface Part {
  readonly actions: readonly string[];
  readonly resourceType: string;
  readonly ranges: readonly Range[];
}

/** One part for each type of resource; an action whose contexts were in bounds has one of its own. */
function partsOf(
  used: readonly Usage[],
  kept: readonly string[],
  ranges: readonly Range[],
): Part[] {
  const parts: Part[] = [];
  const plain = new Map<string, string[]>(kept.length === 0 ? [] : [[KEPT_TYPE, [...kept]]]);
  for (const { action, resourceType, decisions } of used) {
    const own = ranges.filter(
      (range) =>
        range.action === action &&
        range.resourceType === resourceType &&
        range.decisions === decisions,
    );
    if (own.length > 0) parts.push({ actions: [action], resourceType, ranges: own });
    else plain.set(resourceType, [...(plain.get(resourceType) ?? []), action]);
  }
  for (const [resourceType, actions] of plain)
    parts.push({ actions: actions.sort(), resourceType, ranges: [] });
  return parts;
}

function narrowed(policy: Policy, id: string, { actions, resourceType, ranges }: Part): Policy {
  const resource: Scope =
    policy.resource.op === "All" ? { op: "is", entity_type: resourceType } : policy.resource;
  const bounds = ranges.map((range) => ({ kind: "when" as const, body: bound(range) }));
  return {
    ...policy,
    annotations: { ...policy.annotations, id },
    action: actionsScope(actions),
    resource,
    conditions: [...policy.conditions, ...bounds],
  };
}

const UID = /^(.+)::("(?:[^"\\]|\\.)*")$/s;

/** An action as decisions name it. */
function actionUid(text: string): { type: string; id: string } {
  const [, type, id] = UID.exec(text) ?? [];
  return type === undefined
    ? { type: "Action", id: text }
    : { type, id: JSON.parse(id!) as string };
}

const actionsScope = (actions: readonly string[]): ActionScope =>
  actions.length === 1
    ? { op: "==", entity: actionUid(actions[0]!) }
    : { op: "in", entities: actions.map(actionUid) };

function bound({ name, values }: Range): Expression {
  const found: Expression = { ".": { left: { Var: "context" }, attr: name } };
  const there: Expression = { has: { left: { Var: "context" }, attr: name } };
  if (values.kind === "string") {
    const list: Expression = { Set: values.values.map((Value) => ({ Value })) };
    return { "&&": { left: there, right: { contains: { left: list, right: found } } } };
  }
  const low: Expression = { ">=": { left: found, right: { Value: values.min } } };
  const high: Expression = { "<=": { left: found, right: { Value: values.max } } };
  return { "&&": { left: { "&&": { left: there, right: low } }, right: high } };
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
  taken.add(name);
  return name;
}
