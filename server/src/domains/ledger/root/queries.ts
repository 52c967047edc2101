import { type Append, appendTable, rowOf } from "#kernel/append.ts";
import { query, type Tx } from "#kernel/db.ts";
import { isUnsealed } from "../queries.ts";

/** Whose turn it is, for the rest of the transaction, with work that one server does for all; false when another has it. */
export async function takeTurn(tx: Tx, work: string): Promise<boolean> {
  const [row] = await query<{ taken: boolean }>(
    tx,
    "select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as taken",
    [work],
  );
  return row!.taken;
}

/** Does a piece of a transaction's work in another project's scope, and comes back. */
export async function inProject<T>(
  tx: Tx,
  tenantId: string,
  back: string,
  work: () => Promise<T>,
): Promise<T> {
  const enter = (id: string) => query(tx, "select set_config('app.tenant_id', $1, true)", [id]);
  await enter(tenantId);
  const result = await work();
  await enter(back);
  return result;
}

export interface UnsealedHead {
  readonly logId: string;
  readonly size: number;
  readonly note: string;
}

/** The newest heads of logs that have grown since the root log sealed one of theirs. */
export const readUnsealedHeads = (tx: Tx, root: string, limit: number): Promise<UnsealedHead[]> =>
  query(tx, `select log_id as "logId", size, note from ledger.unsealed_heads($1, $2)`, [
    root,
    limit,
  ]);

const ROOT_HEADS = appendTable("ledger.root_heads", {
  log_id: "uuid",
  size: "int8",
  entry_id: "uuid",
});

export const rootHeadRow = (logId: string, size: number, entryId: string): Append =>
  rowOf(ROOT_HEADS, { log_id: logId, size, entry_id: entryId });

/** In the root log's scope: the first sealed head of a log from this size up, or the newest. */
export async function readRootHead(
  tx: Tx,
  logId: string,
  size: number | undefined,
): Promise<{ size: number; entryId: string } | undefined> {
  const [row] = await query<{ size: number; entryId: string }>(
    tx,
    `select size, entry_id as "entryId" from ledger.root_heads
     where tenant_id = (select ops.tenant()) and log_id = $1 and size >= $2
     order by size ${size === undefined ? "desc" : ""} limit 1`,
    [logId, size ?? 0],
  );
  return row;
}

/** Which head of which log an entry of the root log seals, as a row says. */
export interface RootHead {
  readonly logId: string;
  readonly size: number;
  readonly entryId: string;
}

const ROOT_HEAD = `log_id as "logId", size, entry_id as "entryId" from ledger.root_heads h where h.tenant_id = (select ops.tenant())`;

/** In the root log's scope, elsewhere none: the rows of these entries. */
export const readRootHeads = (tx: Tx, ids: readonly string[]): Promise<RootHead[]> =>
  query(tx, `select ${ROOT_HEAD} and h.entry_id = any($1::uuid[])`, [ids]);

/** The same, of no entry that was ever made. */
export const readUnsealedRootHeads = (tx: Tx, limit: number): Promise<RootHead[]> =>
  query(tx, `select ${ROOT_HEAD} and ${isUnsealed("h.entry_id")} order by h.size limit $1`, [
    limit,
  ]);

/** A head of the project's log that the root log sealed; its payload holds the checkpoint. */
export interface SealedHead {
  readonly size: number;
  readonly payload: string | null;
}

/** In the project's own scope: what the root log sealed of its log. */
export const readSealedHeads = (
  tx: Tx,
  { above, upTo }: { above: number; upTo: number },
  limit: number,
): Promise<SealedHead[]> =>
  query(tx, "select size, payload from ledger.sealed_heads($1, $2, $3)", [above, upTo, limit]);

/** In the project's own scope: the newest head of its log that the root log sealed. */
export async function readNewestSealedHead(tx: Tx): Promise<SealedHead | undefined> {
  const [row] = await query<SealedHead>(
    tx,
    "select size, payload from ledger.newest_sealed_head()",
  );
  return row;
}
