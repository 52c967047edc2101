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

/** Whether no checkpoint covers the entry yet that names the log's newest key. */
export async function isRolloverUncovered(tx: Tx): Promise<boolean> {
  const [row] = await query<{ uncovered: boolean }>(
    tx,
    `select not exists (select from ledger.entries e join ledger.checkpoints c on c.tenant_id = e.tenant_id and c.size > e.index
       where e.tenant_id = r.tenant_id and e.id = r.entry_id) as uncovered
     from ledger.key_rollovers r where r.tenant_id = (select ops.tenant()) order by r.number desc limit 1`,
  );
  return row?.uncovered ?? false;
}
