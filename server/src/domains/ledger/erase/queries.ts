import { query, type Tx } from "#kernel/db.ts";

/** What went with a payload, by kind of row. */
export interface Removed {
  readonly part: string;
  readonly removed: number;
}

/** Erases the payload of an entry and what repeats it, and books the call that does; empty when there was no payload. */
export const erase = (tx: Tx, id: string, erasure: string): Promise<Removed[]> =>
  query(tx, "select part, removed from ledger.erase($1, $2)", [id, erasure]);

/** The call that is booked as the erasure of an entry's payload, with the bytes of its own entry, placed or on its way. */
export interface StoredErasure {
  readonly id: string;
  readonly erasure: string;
  readonly entry: Buffer | null;
}

export const readErasures = (tx: Tx, ids: readonly string[]): Promise<StoredErasure[]> =>
  query(
    tx,
    `select x.entry_id as id, x.erasure_id as erasure, coalesce(e.entry, q.entry) as entry from ledger.erasures x
     left join ledger.entries e on e.tenant_id = x.tenant_id and e.id = x.erasure_id
     left join ledger.pending q on q.tenant_id = x.tenant_id and q.id = x.erasure_id
     where x.tenant_id = (select ops.tenant()) and x.entry_id = any($1::uuid[])`,
    [ids],
  );
