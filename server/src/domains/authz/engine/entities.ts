import type { EntityUid } from "./est.ts";
import { type CedarRecord, EntityRef, type Value } from "./value.ts";

/** What a request knows of one entity. */
export interface Entity {
  readonly ref: EntityRef;
  readonly attrs: CedarRecord;
  readonly tags: CedarRecord;
  /** Those that it is in directly. */
  readonly parents: readonly EntityRef[];
}

export const ANCESTRY_MAX = 64;

/** Entities by name, with everything that each is in, directly or through others. */
export class Entities {
  readonly #entities: ReadonlyMap<string, Entity>;
  readonly #ancestors = new Map<string, ReadonlySet<string>>();

  constructor(entities: Iterable<Entity>) {
    this.#entities = new Map([...entities].map((entity) => [entity.ref.key, entity]));
  }

  get(ref: EntityRef): Entity | undefined {
    return this.#entities.get(ref.key);
  }

  get size(): number {
    return this.#entities.size;
  }

  [Symbol.iterator](): Iterator<Entity> {
    return this.#entities.values();
  }

  /** Is it that entity, or in it? An entity that is not known is in none but itself. */
  isIn(ref: EntityRef, group: { readonly key: string }): boolean {
    return ref.key === group.key || this.ancestors(ref).has(group.key);
  }

  ancestors({ key }: EntityRef): ReadonlySet<string> {
    let found = this.#ancestors.get(key);
    if (found === undefined) {
      found = this.#climb(key);
      this.#ancestors.set(key, found);
    }
    return found;
  }

  #climb(key: string): ReadonlySet<string> {
    const [found, open] = [new Set<string>(), [key]];
    for (let next = open.pop(); next !== undefined; next = open.pop())
      for (const parent of this.#entities.get(next)?.parents ?? [])
        if (!found.has(parent.key)) {
          found.add(parent.key);
          open.push(parent.key);
        }
    return found;
  }

  /**
   * Whether the hierarchy is one: no entity is in itself through others, and none further than `ANCESTRY_MAX` from a root.
   * Says what is wrong, with the names.
   */
  flaw(): string | null {
    const depths = new Map<string, number>();
    for (const start of this.#entities.keys()) {
      // Depth first without recursion: a chain of parents may be long.
      const path = new Set<string>();
      const open = [{ key: start, leave: false }];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const { key, leave } = next;
        const parents = this.#entities.get(key)?.parents ?? [];
        if (leave) {
          path.delete(key);
          const depth = parents.reduce((most, up) => Math.max(most, 1 + depths.get(up.key)!), 0);
          if (depth > ANCESTRY_MAX) return `${key} is more than ${ANCESTRY_MAX} steps from a root`;
          depths.set(key, depth);
        } else if (path.has(key)) {
          const way = [...path];
          return `in a ring: ${[...way.slice(way.indexOf(key)), key].join(" in ")}`;
        } else if (!depths.has(key)) {
          path.add(key);
          open.push({ key, leave: true }, ...parents.map((up) => ({ key: up.key, leave: false })));
        }
      }
    }
    return null;
  }
}

const NOTHING: CedarRecord = new Map<string, Value>();

/** An entity that is known by its name and what it is in. */
export const bare = (uid: EntityUid, parents: readonly EntityRef[] = []): Entity => ({
  ref: new EntityRef(uid.type, uid.id),
  attrs: NOTHING,
  tags: NOTHING,
  parents,
});
