import type {
  ActionScope,
  EntityUid,
  Expression,
  Policy,
  PolicySetJson,
  Scope,
} from "../engine/index.ts";
import type { Range, Usage, Used } from "./usage.ts";
import { covering, type Side } from "./within.ts";

/** What of a permit was used, and what the proposal makes of it. */
export interface Evidence {
  readonly policy: string;
  /** Ids of the policies that it becomes; none when it was never used. */
  readonly becomes: readonly string[];
  readonly used: readonly Narrowed[];
  /** Actions that stay though nobody used them: without them, the policies could not be changed again. */
  readonly kept: readonly string[];
}

/** What was used, and to what it is bound beside its action and type of resource; null: to no groups, or no parents. */
export interface Narrowed extends Usage {
  readonly groups: readonly EntityUid[] | null;
  readonly parents: readonly EntityUid[] | null;
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
 * The same policies, each permit narrowed to what it was used for: its actions and types of resources, and where they were
 * looked at the numbers and texts that contexts held, groups that its principals were in and parents that its resources had.
 * Its own scopes and conditions stay, so it permits no more than before; a forbid stays as it is.
 * @param allows the actions of `KEPT` that a permit allows for somebody, by its id
 */
export function propose(
  document: PolicySetJson,
  { usage, ranges, standings, crowds }: Used,
  allows: (policy: string) => readonly string[],
): Proposal {
  const taken = new Set([
    ...Object.keys(document.staticPolicies),
    ...Object.keys(document.templates ?? {}),
  ]);
  const crowdOf = (side: Side) =>
    new Map(crowds.filter((one) => one.side === side).map((one) => [one.within, one.members]));
  const crowd = { principal: crowdOf("principal"), resource: crowdOf("resource") };
  const within = (of: Usage, side: Side, scope: Scope) => {
    // Who may change policies is nobody's habit.
    if (KEPT.includes(of.action) || scope.op === "==") return null;
    const own = standings.filter((one) => one.side === side && isOf(of, one));
    return covering(own, crowd[side]);
  };
  const staticPolicies: Record<string, Policy> = {};
  const evidence: Evidence[] = [];
  for (const [id, policy] of permitsOf(document)) {
    const used = usage
      .filter((one) => one.policy === id)
      .map((one) => ({
        ...one,
        groups: within(one, "principal", policy.principal),
        parents: within(one, "resource", policy.resource),
      }));
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

interface Part extends Pick<Narrowed, "resourceType" | "groups" | "parents"> {
  readonly actions: readonly string[];
  readonly ranges: readonly Range[];
}

interface Of {
  readonly policy: string;
  readonly action: string;
  readonly resourceType: string;
}

const isOf = (a: Of, b: Of): boolean =>
  a.policy === b.policy && a.action === b.action && a.resourceType === b.resourceType;

/** One part for each type of resource, groups and parents; an action whose contexts were in bounds has one of its own. */
function partsOf(
  used: readonly Narrowed[],
  kept: readonly string[],
  ranges: readonly Range[],
): Part[] {
  const parts: Part[] = [];
  const plain = new Map<string, Part & { readonly actions: string[] }>();
  const add = (action: string, part: Omit<Part, "actions" | "ranges">) => {
    const { resourceType, groups, parents } = part;
    const key = JSON.stringify([resourceType, groups, parents]);
    const same = plain.get(key);
    if (same === undefined)
      plain.set(key, { resourceType, groups, parents, ranges: [], actions: [action] });
    else same.actions.push(action);
  };
  for (const action of kept) add(action, { resourceType: KEPT_TYPE, groups: null, parents: null });
  for (const one of used) {
    const own = KEPT.includes(one.action)
      ? []
      : ranges.filter((range) => isOf(one, range) && range.decisions === one.decisions);
    if (own.length > 0) parts.push({ ...one, actions: [one.action], ranges: own });
    else add(one.action, one);
  }
  for (const part of plain.values()) parts.push({ ...part, actions: part.actions.sort() });
  return parts;
}

function narrowed(policy: Policy, id: string, part: Part): Policy {
  const { actions, resourceType, ranges, groups, parents } = part;
  const typed: Scope =
    policy.resource.op === "All" ? { op: "is", entity_type: resourceType } : policy.resource;
  const [principal, isGroup] = scopeWithin(policy.principal, "principal", groups);
  const [resource, isParent] = scopeWithin(typed, "resource", parents);
  const bodies = [...isGroup, ...isParent, ...ranges.map(bound)];
  return {
    ...policy,
    annotations: { ...policy.annotations, id },
    principal,
    action: actionsScope(actions),
    resource,
    conditions: [...policy.conditions, ...bodies.map((body) => ({ kind: "when" as const, body }))],
  };
}

/** A scope in these groups: as a scope where one may be written there, as a condition otherwise. */
function scopeWithin(
  scope: Scope,
  variable: Side,
  groups: readonly EntityUid[] | null,
): [Scope, Expression[]] {
  if (groups === null) return [scope, []];
  const [one, ...others] = groups as [EntityUid, ...EntityUid[]];
  const inOne = others.length === 0;
  if (inOne && scope.op === "All") return [{ op: "in", entity: one }, []];
  if (inOne && scope.op === "is" && scope.in === undefined)
    return [{ ...scope, in: { entity: one } }, []];
  const own = scope.op === "All" ? undefined : scope.op === "is" ? scope.in?.entity : scope.entity;
  if (inOne && own?.type === one.type && own.id === one.id) return [scope, []];
  // Lists of Cedar's are of one type.
  const byType = [...Map.groupBy(groups, ({ type }) => type).values()].map((same): Expression => {
    const list = same.map(({ type, id }) => ({ Value: { __entity: { type, id } } }));
    return { in: { left: { Var: variable }, right: { Set: list } } };
  });
  return [scope, [byType.reduce((left, right) => ({ "||": { left, right } }))]];
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
