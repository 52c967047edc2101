import { type Diagnostic, plain } from "./cedar/diagnostics.ts";
import type { SchemaJson } from "./cedar/schemas.ts";
import {
  type ActionScope,
  type SchemaJson as EngineSchema,
  type EntityJson,
  EntityRef,
  type EntityUid,
  PolicySet,
  type PolicySetJson,
  Schema,
} from "./engine/index.ts";
import { actionText } from "./question.ts";
import { stepBytes } from "./step-size.ts";

/** Bytes that the trace of one decision may take. */
const TRACE_BYTES_MAX = 64 * 1_024;

/** Looked through for one answer: groups of actions, types of resources and policies in reach of them; some 200 ms. */
const WORK_MAX = 200_000;

/** What stands against policies of which one decision would leave a longer trace than is kept. */
export function untraceable(document: PolicySetJson, schema: SchemaJson): Diagnostic[] {
  const longest = longestTrace(document, new Schema(schema as EngineSchema));
  if (longest === null || longest.bytes <= TRACE_BYTES_MAX) return [];
  const { bytes, policies, about } = longest;
  const what =
    about === null
      ? `${policies} policies may decide about an action`
      : `${policies} policies can decide about ${about.action} to a resource of type ${about.resourceType}`;
  return [
    plain(
      `${what}: the trace of such a decision may take at most ${TRACE_BYTES_MAX} bytes, not ${bytes}`,
      null,
      "Bind policies to fewer actions, or to a type of resource (`resource is T`); write fewer of them, or fewer and shorter conditions.",
    ),
  ];
}

/** The longest trace that there may be. */
interface Longest {
  readonly bytes: number;
  /** In reach: these are what a trace holds. */
  readonly policies: number;
  /** Null: the schema has more actions in more groups than are looked through, so all policies count. */
  readonly about: { readonly action: string; readonly resourceType: string } | null;
}

/**
 * What a trace takes at most, about the action and type of resource of a schema that have most in reach: every policy that
 * can be about them (`PolicySet` keeps them by just these two), every clause weighed, each of them broken. Null: no action.
 */
export function longestTrace(document: PolicySetJson, schema: Schema): Longest | null {
  const policies = sizedOf(document);
  const { anyAction, byScope } = byAction(policies);
  /** Actions that the same scopes reach are looked at once. */
  const known = new Map<string, Reach>();
  let longest: Longest | null = null;
  let work = 0;
  for (const action of schema.actions) {
    const groups = groupsOf(action, schema);
    const named = [`== ${groups[0]}`, ...groups.map((key) => `in ${key}`)];
    const scopes = named.filter((scope) => byScope.has(scope)).sort();
    const name = JSON.stringify(scopes);
    let reach = known.get(name);
    if (reach === undefined) {
      const inReach = [...anyAction, ...scopes.flatMap((scope) => byScope.get(scope)!)];
      known.set(name, (reach = reachOf(new Set(inReach))));
      work += inReach.length;
    }
    const resourceTypes = schema.resourceTypesOf(action);
    work += groups.length + resourceTypes.length;
    if (work > WORK_MAX) return { ...policies.reduce(plus, EMPTY), about: null };
    for (const resourceType of resourceTypes) {
      const sum = reach.byType.get(resourceType) ?? reach.anyType;
      if (longest !== null && sum.bytes <= longest.bytes) continue;
      longest = { ...sum, about: { action: actionText({ ...action, groups: [] }), resourceType } };
    }
  }
  return longest;
}

/** The keys of an action, first, and of everything that it is in. */
function groupsOf(action: EntityUid, schema: Schema): string[] {
  const own = keyOf(action);
  const lineage = schema.lineageOf(action);
  const all = lineage.flatMap(({ uid, parents = [] }) => [uid, ...parents].map(keyOf));
  return [...new Set([own, ...all])];
}

interface Sized {
  readonly bytes: number;
  readonly action: ActionScope;
  /** Null: of any. */
  readonly resourceType: string | null;
}

interface Sum {
  readonly bytes: number;
  readonly policies: number;
}

/** Brackets and names of fields of a trace without policies. */
const EMPTY: Sum = { bytes: 64, policies: 0 };
const plus = ({ bytes, policies }: Sum, one: { readonly bytes: number }): Sum => ({
  bytes: bytes + one.bytes,
  policies: policies + 1,
});

const sizedOf = (document: PolicySetJson): Sized[] =>
  new PolicySet(document).policies.map(({ id, source, resourceType }) => ({
    bytes: stepBytes(id, source),
    action: source.action,
    resourceType,
  }));

/** Policies by what their scopes say of actions. */
function byAction(policies: readonly Sized[]) {
  const anyAction: Sized[] = [];
  const byScope = new Map<string, Sized[]>();
  for (const one of policies) {
    const { action } = one;
    if (action.op === "All") anyAction.push(one);
    else
      for (const uid of "entities" in action ? action.entities : [action.entity]) {
        const scope = `${action.op} ${keyOf(uid)}`;
        const same = byScope.get(scope);
        if (same === undefined) byScope.set(scope, [one]);
        else same.push(one);
      }
  }
  return { anyAction, byScope };
}

/** What is in reach of resources of a type that policies name, and of any other. */
interface Reach {
  readonly anyType: Sum;
  readonly byType: ReadonlyMap<string, Sum>;
}

function reachOf(policies: ReadonlySet<Sized>): Reach {
  const all = [...policies];
  const anyType = all.filter(({ resourceType }) => resourceType === null).reduce(plus, EMPTY);
  const byType = new Map<string, Sum>();
  for (const one of all)
    if (one.resourceType !== null)
      byType.set(one.resourceType, plus(byType.get(one.resourceType) ?? anyType, one));
  return { anyType, byType };
}

function keyOf(uid: EntityJson["uid"]): string {
  const { type, id } = "__entity" in uid ? uid.__entity : uid;
  return new EntityRef(type, id).key;
}
