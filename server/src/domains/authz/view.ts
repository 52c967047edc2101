import type { Question } from "#pipeline";
import {
  EntityRef,
  type Path,
  type Request,
  type Scope,
  type Shows,
  type Step,
  valueAt,
  type Weighed,
} from "./engine/index.ts";

/**
 * What of a decision somebody may be told. What is not theirs to know is hidden whatever it says, so that an explanation
 * follows from the policies, what they know and the outcome alone: asking again and again tells nothing of the rest.
 */
export interface View {
  readonly shows: Shows;
  /** What a policy's scope and clauses came to; null: it is not for them. */
  see(step: Step): Seen;
  /** What a path led to, where that is for them. */
  tells(path: Path): boolean;
}

export interface Seen {
  readonly principal: boolean | null;
  readonly resource: boolean | null;
  /** Of each clause; empty when the scope is known not to match. */
  readonly clauses: readonly (Weighed | null)[];
}

/** For those who may read every decision with all that was known. */
export const FULL: View = {
  shows: () => true,
  tells: () => true,
  see: ({ principal, resource, clauses }) => ({ principal, resource, clauses }),
};

/**
 * For whoever asked: what they told and what they are, but nothing of entities that were looked up for them; of policies
 * the parts that these decide, without the names of other entities.
 */
export function viewOfAsker(
  { principal, action, resource, entities = [], kept }: Question,
  request: Request,
): View {
  const own = [principal, resource, ...entities.map(({ uid }) => uid)];
  const groups = principal.groups.map((id) => ({ type: "Group", id }));
  const named = new Set([...own, ...groups].map(({ type, id }) => new EntityRef(type, id).key));
  const told = new Set(entities.map(({ uid }) => new EntityRef(uid.type, uid.id).key));
  const isTold = (ref: EntityRef) => kept === undefined || told.has(ref.key);
  // What is in something that was not told may be in more.
  const isClosed = (ref: EntityRef) =>
    kept === undefined || (isTold(ref) && isWithin(request.entities.ancestors(ref), told));
  const tells = (path: Path) => leads(path, request, isTold);
  return {
    shows: ({ type, id }) =>
      type === (action.type ?? "Action") ||
      type === "Action" ||
      named.has(new EntityRef(type, id).key),
    tells,
    see({ policy, principal: fitsPrincipal, resource: fitsResource, clauses }) {
      const { source } = policy;
      const scope = (of: Scope, ref: EntityRef, fits: boolean) =>
        !readsHierarchy(of) || isClosed(ref) ? fits : null;
      const seen = {
        principal: scope(source.principal, request.principal, fitsPrincipal),
        resource: scope(source.resource, request.resource, fitsResource),
      };
      if (seen.principal === false || seen.resource === false) return { ...seen, clauses: [] };
      const weighed = policy.clauses.map((clause, i) => {
        const known = kept === undefined || (clause.isPlain && clause.paths.every(tells));
        return known && seen.principal !== null && seen.resource !== null ? clauses[i]! : null;
      });
      return { ...seen, clauses: weighed };
    },
  };
}

/**
 * For an agent session whose account is denied: nothing of the account but its type and the groups, which are the session's,
 * too. What could be otherwise for another account with these groups is hidden.
 * @param question as the account asked it
 */
export function viewOfAgent(
  question: Question,
  request: Request,
  agent: Question["principal"],
): View {
  const { type } = question.principal;
  const isOther = (ref: { readonly type: string }) => ref.type !== type;
  // Neither who the account is, nor whether something else is the account.
  const tells = (path: Path) => path.names[0] !== "principal" && leads(path, request, isOther);
  return {
    shows: viewOfAsker({ ...question, principal: agent }, request).shows,
    tells,
    see({ policy, principal: fitsPrincipal, resource: fitsResource, clauses }) {
      const { source, slots } = policy;
      const named = entityOf(source.principal) ?? slots["?principal"];
      const principal = named === undefined || isOther(named) ? fitsPrincipal : null;
      const isKnown = !readsHierarchy(source.resource) || isOther(request.resource);
      const resource = isKnown ? fitsResource : null;
      if (principal === false || resource === false) return { principal, resource, clauses: [] };
      const isFor = principal !== null && resource !== null;
      const weighed = policy.clauses.map((clause, i) =>
        isFor && clause.isPlain && clause.paths.every(tells) ? clauses[i]! : null,
      );
      return { principal, resource, clauses: weighed };
    },
  };
}

/** The entity that a scope names, unless a slot stands for it. */
const entityOf = (scope: Scope) =>
  scope.op === "All" ? undefined : scope.op === "is" ? scope.in?.entity : scope.entity;

/** The policies that a view shows whole: what they came to follows from nothing that it hides. */
export function wholePolicies(view: View, steps: readonly Step[]): ReadonlySet<string> {
  const whole = steps.filter((step) => {
    const { principal, resource, clauses } = view.see(step);
    return principal !== null && resource !== null && !clauses.includes(null);
  });
  return new Set(whole.map(({ policy }) => policy.id));
}

const isWithin = (keys: ReadonlySet<string>, all: ReadonlySet<string>): boolean =>
  [...keys].every((key) => all.has(key));

const readsHierarchy = (scope: Scope): boolean =>
  scope.op === "in" || (scope.op === "is" && scope.in !== undefined);

/** Whether a path leads through nothing but the context and entities that were told. */
function leads({ names }: Path, request: Request, isTold: (ref: EntityRef) => boolean): boolean {
  return names.every((_, at) => {
    if (at === names.length - 1) return true;
    const upTo = names.slice(0, at + 1) as unknown as Path["names"];
    const value = valueAt({ names: upTo, text: "" }, request);
    return !(value instanceof EntityRef) || isTold(value);
  });
}
