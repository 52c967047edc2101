import { query, type Tx } from "#kernel/db.ts";
import type { Readers } from "#pipeline";
import { isFull } from "../queries.ts";

/** Tiles that a log of so many entries does not fill. */
export const readTilesAbove = (
  tx: Tx,
  size: number,
  limit: number,
): Promise<{ level: number; index: number }[]> =>
  query(
    tx,
    `select level, index from ledger.tiles where tenant_id = (select ops.tenant()) and not (${isFull("level", "index", "$1::int8")})
     order by level, index limit $2`,
    [size, limit],
  );

export interface Opening {
  /** What strangers may read. */
  readonly readers: Readers;
  readonly isRoot: boolean;
  /** Whether a call of the operation that opens logs waits for its place. */
  readonly isPending: boolean;
}

export async function readOpening(tx: Tx, root: string, operation: string): Promise<Opening> {
  const [row] = await query<Opening>(
    tx,
    `select coalesce((select o.readers from ledger.openings o where o.tenant_id = t.id), 'none') as readers, t.id = $1::uuid as "isRoot",
       exists (select from ledger.pending p where p.tenant_id = t.id and position($2::bytea in p.entry) > 0) as "isPending"
     from (select ops.tenant() as id) t`,
    [root, Buffer.from(`"action":"${operation}"`)],
  );
  return row!;
}
