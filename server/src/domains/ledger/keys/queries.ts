import { query, type Tx } from "#kernel/db.ts";

export interface Rollover {
  readonly number: number;
  readonly previousKey: string;
  readonly nextKey: string;
  readonly entryId: string;
}

export async function insertRollover(
  tx: Tx,
  tenantId: string,
  { number, previousKey, nextKey, entryId }: Rollover,
): Promise<void> {
  await query(
    tx,
    `insert into ledger.key_rollovers (tenant_id, number, previous_key, next_key, entry_id) values ($1, $2, $3, $4, $5)`,
    [tenantId, number, previousKey, nextKey, entryId],
  );
}

export const readRollovers = (tx: Tx): Promise<Rollover[]> =>
  query(
    tx,
    `select number, previous_key as "previousKey", next_key as "nextKey", entry_id as "entryId" from ledger.key_rollovers
     where tenant_id = (select ops.tenant()) order by number`,
  );

/** A row of a rollover, and the bytes of its entry, which has its place or waits for one; such entries are never archived. */
export interface StoredRollover extends Rollover {
  readonly entry: Buffer | null;
  /** Null while the entry waits. */
  readonly index: number | null;
}

export const readStoredRollovers = (tx: Tx): Promise<StoredRollover[]> =>
  query(
    tx,
    `select r.number, r.previous_key as "previousKey", r.next_key as "nextKey", r.entry_id as "entryId",
       coalesce(e.entry, q.entry) as entry, e.index
     from ledger.key_rollovers r
     left join ledger.entries e on e.tenant_id = r.tenant_id and e.id = r.entry_id
     left join ledger.pending q on q.tenant_id = r.tenant_id and q.id = r.entry_id
     where r.tenant_id = (select ops.tenant()) order by r.number`,
  );

/** Whether no checkpoint covers the entry yet that names this key. A row whose entry does not name it says nothing. */
export async function isRolloverUncovered(tx: Tx, nextKey: string): Promise<boolean> {
  const [row] = await query<{ uncovered: boolean }>(
    tx,
    `select exists (select from ledger.key_rollovers r
       left join ledger.entries e on e.tenant_id = r.tenant_id and e.id = r.entry_id
       left join ledger.pending q on q.tenant_id = r.tenant_id and q.id = r.entry_id
       where r.tenant_id = (select ops.tenant()) and position($1::bytea in coalesce(e.entry, q.entry)) > 0
         and not exists (select from ledger.checkpoints c where c.tenant_id = e.tenant_id and c.size > e.index)) as uncovered`,
    [Buffer.from(`"next_key":${JSON.stringify(nextKey)}`)],
  );
  return row!.uncovered;
}
