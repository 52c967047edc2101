import { createHash } from "node:crypto";
import { type EntityFacts, factsOf, type Question } from "#pipeline";
import { canonicalJson } from "#verifier";
import {
  bare,
  Entities,
  type Entity,
  type EntityJson,
  EntityRef,
  entitiesOf,
  Malformed,
  type Request,
  recordOf,
  type Schema,
} from "./engine/index.ts";
import { PLATFORM_SCHEMA } from "./schema/platform.ts";

/** A question as the evaluator takes it. Throws `Malformed` for entities and contexts that are none. */
export function requestOf({
  principal,
  action,
  resource,
  context,
  entities = [],
  kept = [],
}: Question): Request {
  const own = bare(
    principal,
    principal.groups.map((id) => new EntityRef("Group", id)),
  );
  const known: Entity[] = [own, actionEntity(action)];
  const told = [...entities, ...kept] as EntityJson[];
  if (told.length > 0) merge(known, entitiesOf(told));
  return {
    principal: own.ref,
    action: known[1]!.ref,
    resource: new EntityRef(resource.type, resource.id),
    context: recordOf(context, "context"),
    entities: new Entities(known),
  };
}

/** The principal is in the groups that its question names, and what is told of it beside that. */
function merge(known: Entity[], told: Entities): void {
  const [own] = known;
  for (const entity of told) {
    if (entity.ref.key !== own!.ref.key) known.push(entity);
    else known[0] = { ...entity, parents: [...own!.parents, ...entity.parents] };
  }
}

/** An action as decisions name it: those of the platform, and of projects without a namespace, by their id alone. */
export const actionText = ({ type = "Action", id }: Question["action"]): string =>
  type === "Action" ? id : new EntityRef(type, id).key;

/**
 * A question that somebody asks, with the groups in which the schema declares its action, and checked against it. About an
 * operation of the platform it is asked as of a call now with the weakest sign-in, unless its context says otherwise.
 * Throws `Malformed`.
 */
export function completed(
  asked: Question,
  schema: Schema,
  time_ms: number,
  open: readonly ("principal" | "resource")[] = [],
): Question {
  const { action, entities = [] } = asked;
  const uid = { type: action.type ?? "Action", id: action.id };
  for (const [i, { uid: of }] of entities.entries())
    if (isActionType(of.type))
      throw new Malformed(`entities[${i}]`, "actions are told by the schema", "Leave it out.");
  const question = {
    ...asked,
    context: isOperation(uid)
      ? { ...factsOf(WEAKEST, { address: undefined, time_ms }), ...asked.context }
      : asked.context,
    entities: [...entities, ...(schema.lineageOf(uid) as EntityFacts[])],
  };
  schema.check(requestOf(question), open);
  return question;
}

export const isActionType = (type: string): boolean => /(^|::)Action$/.test(type);

const WEAKEST = {
  auth: { method: "api_key", tier: "T1", stepUpUntil_ms: null },
  session: null,
} as const;

const OPERATIONS = (PLATFORM_SCHEMA[""] as { readonly actions: object }).actions;
const isOperation = ({ type, id }: { readonly type: string; readonly id: string }): boolean =>
  type === "Action" && Object.hasOwn(OPERATIONS, id);

function actionEntity(action: Question["action"]): Entity {
  let known = actions.get(action);
  if (known === undefined) {
    known = bare(
      { type: action.type ?? "Action", id: action.id },
      action.groups.map((id) => new EntityRef("Action", id)),
    );
    actions.set(action, known);
  }
  return known;
}

/** Operations ask with one object each. */
const actions = new WeakMap<Question["action"], Entity>();

/**
 * What a decision knew about principal, action and other entities, as it is kept by content hash. The resource is known by
 * its name, which stands in the decision itself, unless entities tell more of it.
 */
export function sliceOf({ principal, action, entities = [], kept = [] }: Question): {
  text: string;
  hash: string;
} {
  const { type, id, groups } = principal;
  const known = canonicalJson({ ...action, groups: [...action.groups].sort() });
  const own = canonicalJson({ type, id, groups: [...groups].sort() });
  const all = [...entities, ...kept].map(canonicalJson).sort();
  const told = all.length === 0 ? "" : `,"entities":[${all.join(",")}]`;
  const text = `{"action":${known}${told},"principal":${own}}`;
  return { text, hash: createHash("sha256").update(text).digest("hex") };
}
