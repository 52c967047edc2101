import { hash } from "node:crypto";
import type { EntityFacts, Question } from "#pipeline";
import { canonicalJson } from "#verifier";
import {
  type ActionScope,
  type EntityUid,
  type Policy,
  PolicySet,
  type PolicySetJson,
  type Schema,
} from "../engine/index.ts";
import { type Clause, clausesOf, type Filled, filledOf } from "../literals.ts";
import { requestOf } from "../question.ts";
import { changesOf } from "../sets/compare.ts";
import {
  type Dimension,
  type Draft,
  dimensionsOf,
  draftOf,
  type Environment,
} from "./dimensions.ts";
import { TooLarge } from "./values.ts";

/** What a version says, and the schema that it is asked by. */
export interface Side {
  readonly document: PolicySetJson;
  readonly schema: Schema;
}

/** Environments of one changed policy: one in scope of everything would have hundreds. */
const ENVIRONMENTS_MAX = 48;
/** Of all changed policies together: many have fewer each, at least one, so that a comparison takes seconds at most. */
const ENVIRONMENTS_ALL_MAX = 600;
/** Questions of one environment that are made, every way there is when they are no more; and those that are asked. */
const WAYS_MAX = 256;
const ASKED_MAX = 128;
/** Of those that are made, in which one thing alone is not as usual; in the others everything is drawn. */
const ALONE_MAX = 64;
/** Questions more in which other policies' conditions hold or not, as those may hide what changed. */
const AMONG_OTHERS = 64;
const DIMENSIONS_MAX = 32;
/** Policies whose conditions are looked at beside those of one that changed. */
const NEAR_MAX = 100;

/**
 * Questions that nobody has asked, at the borders of what changed: for every policy that does not say the same in both, whom and
 * what it names, and values right at, below and above those that its conditions compare with. The same versions give the
 * same questions. They are a sample: that none is answered otherwise proves nothing. Null: not yet another one, and others may have
 * their turn meanwhile, as hundreds are made and weighed for one that is asked.
 */
export function* generate(before: Side, after: Side, max: number): Generator<Question | null> {
  const [old, now] = [filledOf(before.document), filledOf(after.document)];
  const changed = changesOf(before.document, after.document).map(({ id }) => id);
  // Where only the schema is another one, actions may be in other groups.
  const ids = changed.length > 0 ? changed : [...now.keys()];
  const maker = new Maker([after.schema, before.schema], [...old.values(), ...now.values()]);
  const share = Math.floor(ENVIRONMENTS_ALL_MAX / Math.max(ids.length, 1));
  const environmentsMax = Math.min(Math.max(share, 1), ENVIRONMENTS_MAX);
  const open = ids.map((id) =>
    maker.about(
      id,
      [old.get(id), now.get(id)].filter((one) => one !== undefined),
      environmentsMax,
    ),
  );
  yield* different(inTurn(open), max);
}

function* different(questions: Iterable<Question | null>, max: number): Generator<Question | null> {
  const seen = new Set<string>();
  for (const question of questions) {
    if (seen.size >= max) return;
    const key = question && canonicalJson(question);
    yield key === null || seen.has(key) ? null : question;
    if (key !== null) seen.add(key);
  }
}

/** One of each after the other, so that a bound cuts all alike. */
function* inTurn<T>(generators: readonly Iterator<T | null>[]): Generator<T | null> {
  for (let open = [...generators]; open.length > 0; ) {
    const left: typeof open = [];
    for (const generator of open) {
      let next = generator.next();
      for (; !next.done && next.value === null; next = generator.next()) yield null;
      if (next.done) continue;
      left.push(generator);
      yield next.value;
    }
    open = left;
  }
}

/** So many of them, from the whole list. */
const spread = <T>(list: readonly T[], max: number): T[] =>
  list.length <= max
    ? [...list]
    : Array.from({ length: max }, (_, i) => list[Math.floor((i * list.length) / max)]!);

/** Makes the questions of one comparison; what actions are in, and what policies read, is looked up once. */
class Maker {
  readonly #schemas: readonly Schema[];
  readonly #all: readonly Filled[];
  readonly #lineages = new Map<Schema, Map<string, ReadonlySet<string>>>();
  readonly #clauses = new Map<Filled, Clause[]>();
  readonly #alone = new Map<Filled, PolicySet>();

  /** @param all policies that may hide what one of them changes */
  constructor(schemas: readonly Schema[], all: readonly Filled[]) {
    this.#schemas = schemas;
    this.#all = all;
  }

  /** Nothing is worked out before the first question is asked for. */
  *about(
    id: string,
    policies: readonly Filled[],
    environmentsMax: number,
  ): Generator<Question | null> {
    const environments = spread([...this.#environmentsOf(policies)], environmentsMax);
    yield* inTurn(environments.map((environment) => this.#questions(id, policies, environment)));
  }

  *#questions(
    id: string,
    policies: readonly Filled[],
    environment: Environment,
  ): Generator<Question | null> {
    const { schema, action, principal, resource } = environment;
    const seed = JSON.stringify([id, action, principal, resource]);
    try {
      const own = this.#dimensions(policies, environment).slice(0, DIMENSIONS_MAX);
      // How they are made is kept, not what was: hundreds of policies take their turns.
      const made: { readonly ways: number[]; readonly rank: number }[] = [];
      for (const ways of combinations(own, seed)) {
        const rank = this.#rank(built(environment, own, ways), policies, schema);
        made.push({ ways, rank });
        yield null;
      }
      made.sort((a, b) => a.rank - b.rank);
      for (const { ways } of made.slice(0, ASKED_MAX)) yield built(environment, own, ways);
      const near = this.#all.filter(({ policy }) => this.#isAbout(policy.action, environment));
      const others = this.#dimensions(near.slice(0, NEAR_MAX), environment);
      for (let i = 0; i < AMONG_OTHERS && others.length > 0; i++) {
        const dimensions = [...others, ...own].slice(-DIMENSIONS_MAX);
        yield built(environment, dimensions, drawn(dimensions, `${seed} among ${i}`));
      }
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
    }
  }

  /** First what one of the policies, taken alone, applies to and the other does not; then what any applies to. */
  #rank(question: Question, policies: readonly Filled[], schema: Schema): number {
    const { action, entities = [] } = question;
    const lineage = schema.lineageOf({ type: action.type ?? "Action", id: action.id });
    const request = requestOf({
      ...question,
      entities: [...entities, ...(lineage as EntityFacts[])],
    });
    const apply = policies.map((one) => this.#aloneOf(one).decide(request).outcome === "allow");
    const some = apply.filter(Boolean).length;
    if (some === 0) return 2;
    return policies.length === 2 && some === 2 ? 1 : 0;
  }

  /** A policy as if there were no other, and as if it permitted. */
  #aloneOf(filled: Filled): PolicySet {
    let alone = this.#alone.get(filled);
    if (alone === undefined) {
      const { policy, slots: values } = filled;
      alone = new PolicySet({
        staticPolicies: {},
        templates: { alone: { ...policy, effect: "permit" } },
        templateLinks: [{ templateId: "alone", newId: "it", values }],
      });
      this.#alone.set(filled, alone);
    }
    return alone;
  }

  #dimensions(policies: readonly Filled[], environment: Environment): Dimension[] {
    const clauses = policies.flatMap((one) => {
      const known = this.#clauses.get(one) ?? clausesOf(one);
      this.#clauses.set(one, known);
      return known;
    });
    return dimensionsOf(policies, clauses, environment);
  }

  /** What the policies may be about, by the first schema that declares it. */
  *#environmentsOf(policies: readonly Filled[]): Generator<Environment> {
    const seen = new Set<string>();
    for (const schema of this.#schemas)
      for (const action of schema.actions) {
        const about = policies.filter((one) =>
          this.#isAbout(one.policy.action, { schema, action }),
        );
        if (about.length === 0) continue;
        const { principals, resources } = schema.appliesTo(action)!;
        for (const principal of principals)
          for (const resource of resources) {
            const key = JSON.stringify([action, principal, resource]);
            if (seen.has(key)) continue;
            const fits = about.some(
              ({ policy, slots }) =>
                admits(policy.principal, slots["?principal"], principal) &&
                admits(policy.resource, slots["?resource"], resource),
            );
            if (!fits) continue;
            seen.add(key);
            yield { schema, action, principal, resource };
          }
      }
  }

  #isAbout(
    scope: ActionScope,
    { schema, action }: Pick<Environment, "schema" | "action">,
  ): boolean {
    if (scope.op === "All") return true;
    const own = keyOf(action);
    if (scope.op === "==") return keyOf(scope.entity) === own;
    const named = "entities" in scope ? scope.entities : [scope.entity];
    const lineage = this.#lineageOf(schema, action);
    return named.some((one) => lineage.has(keyOf(one)));
  }

  #lineageOf(schema: Schema, action: EntityUid): ReadonlySet<string> {
    let ofSchema = this.#lineages.get(schema);
    if (ofSchema === undefined) this.#lineages.set(schema, (ofSchema = new Map()));
    const own = keyOf(action);
    let found = ofSchema.get(own);
    if (found === undefined) {
      found = new Set([own, ...schema.lineageOf(action).map(({ uid }) => keyOf(uid as EntityUid))]);
      ofSchema.set(own, found);
    }
    return found;
  }
}

const keyOf = ({ type, id }: EntityUid): string => JSON.stringify([type, id]);

/** Entities of a type may be in any other: the groups of a question say whether they are. */
function admits(scope: Policy["principal"], slot: EntityUid | undefined, type: string): boolean {
  if (scope.op === "is") return scope.entity_type === type;
  return scope.op === "==" ? (scope.entity ?? slot)?.type === type : true;
}

/** Every combination when there are few; else each way of each dimension alone, and some that are drawn. */
function* combinations(dimensions: readonly Dimension[], seed: string): Generator<number[]> {
  const count = dimensions.reduce((product, { ways }) => product * ways, 1);
  if (count <= WAYS_MAX) {
    for (let i = 0; i < count; i++) {
      let rest = i;
      yield dimensions.map(({ ways }) => {
        const way = rest % ways;
        rest = (rest - way) / ways;
        return way;
      });
    }
    return;
  }
  let alone = 0;
  for (const [place, { ways }] of dimensions.entries())
    for (let way = 0; way < ways && alone < ALONE_MAX; way++, alone++)
      yield dimensions.map((_, at) => (at === place ? way : 0));
  for (let i = alone; i < WAYS_MAX; i++) yield drawn(dimensions, `${seed} ${i}`);
}

/** Ways that look random, and are the same at every time. */
function drawn(dimensions: readonly Dimension[], seed: string): number[] {
  const bytes = hash("sha512", seed, "buffer");
  return dimensions.map(({ ways }, i) => bytes.readUInt16BE(2 * i) % ways);
}

function built(
  environment: Environment,
  dimensions: readonly Dimension[],
  ways: readonly number[],
): Question {
  const draft = draftOf(environment);
  for (const isWho of [true, false])
    for (const [i, dimension] of dimensions.entries())
      if (dimension.isWho === isWho) dimension.take(draft, ways[i]!);
  return questionOf(environment, draft);
}

function questionOf({ action, ...types }: Environment, draft: Draft): Question {
  const told = (side: "principal" | "resource"): Told => {
    const { id, parents, attrs } = draft[side];
    // A principal's groups stand with it, all others with the entity.
    const isGroup = ({ type }: EntityUid) => side === "principal" && type === "Group";
    const others = parents.filter((parent) => !isGroup(parent));
    return {
      uid: { type: types[side], id },
      groups: parents.filter(isGroup).map((group) => group.id),
      told: { uid: { type: types[side], id }, attrs, parents: others } as EntityFacts,
    };
  };
  const [principal, resource] = [told("principal"), told("resource")];
  const isSame = canonicalJson(principal.uid) === canonicalJson(resource.uid);
  return {
    principal: { ...principal.uid, groups: principal.groups },
    action: {
      ...(action.type === "Action" ? {} : { type: action.type }),
      id: action.id,
      groups: [],
    },
    resource: resource.uid,
    context: draft.context,
    entities: isSame ? [principal.told] : [principal.told, resource.told],
  };
}

interface Told {
  readonly uid: EntityUid;
  readonly groups: readonly string[];
  readonly told: EntityFacts;
}
