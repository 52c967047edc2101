import type { Db } from "#kernel/db.ts";
import type { EntityFacts, KnownEntities } from "#pipeline";
import { readEntities } from "./queries.ts";

type Uid = EntityFacts["uid"];

interface Gathered {
  readonly uids: Map<string, Uid>;
  readonly found: Promise<readonly EntityFacts[]>;
}

const keyOf = ({ type, id }: Uid): string => JSON.stringify([type, id]);

/**
 * What the control plane keeps of entities. Read anew for every question, so that nobody is decided about by what was; the
 * questions of one turn of the event loop, such as an array of them, share one statement.
 */
export function openEntities(db: Db): KnownEntities {
  const gathering = new Map<string, Gathered>();
  const begin = (tenantId: string): Gathered => {
    const uids = new Map<string, Uid>();
    const found = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      gathering.delete(tenantId);
      return db.transaction({ role: "reader", tenantId }, (tx) =>
        readEntities(tx, [...uids.values()]),
      ) as Promise<readonly EntityFacts[]>;
    });
    return { uids, found };
  };
  return async (tenantId, uids) => {
    let gathered = gathering.get(tenantId);
    if (gathered === undefined) gathering.set(tenantId, (gathered = begin(tenantId)));
    for (const uid of uids) gathered.uids.set(keyOf(uid), uid);
    return reached(await gathered.found, uids);
  };
}

/** Of what was read for many, what these lead to. */
function reached(all: readonly EntityFacts[], uids: readonly Uid[]): EntityFacts[] {
  const byKey = new Map(all.map((entity) => [keyOf(entity.uid), entity]));
  const found = new Map<string, EntityFacts>();
  const open = [...uids];
  for (let uid = open.pop(); uid !== undefined; uid = open.pop()) {
    const entity = byKey.get(keyOf(uid));
    if (entity === undefined || found.has(keyOf(uid))) continue;
    found.set(keyOf(uid), entity);
    open.push(...(entity.parents ?? []));
  }
  return [...found.values()];
}
