import { query, type Tx } from "#kernel/db.ts";
import { MINIMUM, type StoredEntry } from "../queries.ts";

/** Entries that went into files, or came back from them. */
export interface StoredArchive {
  readonly kind: "archived" | "restored";
  readonly first: number;
  readonly past: number;
  readonly minimum: number;
  readonly root: Buffer;
  readonly manifestHash: Buffer;
  readonly entryId: string;
  readonly createdAt: Date;
}

const ARCHIVE = `a.number, a.kind, a.first, a.past, a.minimum, a.root, a.manifest_hash as "manifestHash",
  a.entry_id as "entryId", a.created_at as "createdAt" from ledger.archives a where a.tenant_id = (select ops.tenant())`;

/** The newest first, those below a number. */
export const readArchives = (
  tx: Tx,
  before: number | undefined,
  limit: number,
): Promise<(StoredArchive & { readonly number: number })[]> =>
  query(
    tx,
    `select ${ARCHIVE} and a.number < coalesce($1::int, 2147483647) order by a.number desc limit $2`,
    [before ?? null, limit],
  );

/** The archive that reaches to the minimum index, which is the next to come back. */
export async function readOpenArchive(tx: Tx): Promise<StoredArchive | undefined> {
  const [row] = await query<StoredArchive>(
    tx,
    `select ${ARCHIVE} and a.kind = 'archived' and a.first < ${MINIMUM} and a.past >= ${MINIMUM} order by a.number desc limit 1`,
  );
  return row;
}

/** What says where the minimum index is, with the entry and payload of the call that moved it. */
export async function readLastArchive(
  tx: Tx,
): Promise<{ minimum: number; entry: Buffer | null; payload: string | null } | undefined> {
  const [row] = await query<{ minimum: number; entry: Buffer | null; payload: string | null }>(
    tx,
    `select a.minimum, coalesce(e.entry, q.entry) as entry, p.payload from ledger.archives a
     left join ledger.entries e on e.tenant_id = a.tenant_id and e.id = a.entry_id
     left join ledger.pending q on q.tenant_id = a.tenant_id and q.id = a.entry_id
     left join ledger.payloads p on p.tenant_id = a.tenant_id and p.entry_id = a.entry_id
     where a.tenant_id = (select ops.tenant()) order by a.number desc limit 1`,
  );
  return row;
}

/** How many ids of archived entries are kept, and how many entries below the minimum index stayed because keys are followed by them. */
export async function readAllArchived(
  tx: Tx,
  minimum: number,
): Promise<{ archived: number; kept: number }> {
  const [row] = await query<{ archived: number; kept: number }>(
    tx,
    `select (select count(*) from ledger.archived a where a.tenant_id = (select ops.tenant())) as archived,
       (select count(*) from ledger.key_rollovers k join ledger.entries e on e.tenant_id = k.tenant_id and e.id = k.entry_id
        where k.tenant_id = (select ops.tenant()) and e.index < $1) as kept`,
    [minimum],
  );
  return row!;
}

export async function readArchivedPlace(
  tx: Tx,
  id: string,
): Promise<{ index: number; minimum: number } | undefined> {
  const [row] = await query<{ index: number; minimum: number }>(
    tx,
    `select a.index, ${MINIMUM} as minimum from ledger.archived a where a.tenant_id = (select ops.tenant()) and a.id = $1`,
    [id],
  );
  return row;
}

/** Those of these entries that are in archives, by their places. */
export async function readArchivedIds(
  tx: Tx,
  indexes: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const rows = await query<{ index: number; id: string }>(
    tx,
    "select a.index, a.id from ledger.archived a where a.tenant_id = (select ops.tenant()) and a.index = any($1::int8[])",
    [indexes],
  );
  return new Map(rows.map(({ index, id }) => [index, id]));
}

/** The first entry of a range whose payload is gone although nothing books an erasure. */
export async function readUnexplained(
  tx: Tx,
  first: number,
  past: number,
): Promise<number | undefined> {
  const [row] = await query<{ index: number }>(
    tx,
    `select e.index from ledger.entries e where e.tenant_id = (select ops.tenant()) and e.index >= $1 and e.index < $2
       and not exists (select from ledger.payloads p where p.tenant_id = e.tenant_id and p.entry_id = e.id)
       and not exists (select from ledger.erasures x where x.tenant_id = e.tenant_id and x.entry_id = e.id)
     order by e.index limit 1`,
    [first, past],
  );
  return row?.index;
}

/** One call at a time moves the minimum index, until its transaction ends. */
export async function lockMinimum(tx: Tx): Promise<void> {
  await query(
    tx,
    "select pg_advisory_xact_lock(hashtextextended('ledger minimum ' || ops.tenant(), 0))",
  );
}

/** Takes entries away that are in files; false when they are not what the log's tiles are made of, and then nothing happened. */
export async function archiveEntries(
  tx: Tx,
  of: { past: number; call: string; root: Uint8Array; manifestHash: Uint8Array },
): Promise<boolean> {
  const [row] = await query<{ removed: number }>(
    tx,
    "select ledger.archive($1, $2, $3, $4) as removed",
    [of.past, of.call, of.root, of.manifestHash],
  );
  return row!.removed > 0;
}

export type Returning = Pick<StoredEntry, "index" | "id" | "entry" | "salt" | "payload">;

/** Puts entries back below the minimum index; who reads sees them once it is lowered. */
export async function insertReturning(
  tx: Tx,
  tenantId: string,
  entries: readonly Returning[],
): Promise<void> {
  await query(
    tx,
    `insert into ledger.entries (tenant_id, index, id, entry)
     select $1, index, id, entry from unnest($2::int8[], $3::uuid[], $4::bytea[]) as r (index, id, entry) on conflict do nothing`,
    [
      tenantId,
      entries.map(({ index }) => index),
      entries.map(({ id }) => id),
      entries.map(({ entry }) => entry),
    ],
  );
  const opened = entries.filter(({ payload }) => payload !== null);
  await query(
    tx,
    `insert into ledger.payloads (tenant_id, entry_id, salt, payload)
     select $1, id, salt, payload from unnest($2::uuid[], $3::bytea[], $4::text[]) as r (id, salt, payload) on conflict do nothing`,
    [
      tenantId,
      opened.map(({ id }) => id),
      opened.map(({ salt }) => salt),
      opened.map(({ payload }) => payload),
    ],
  );
}

/** Lowers the minimum index when the whole archive is back: the new one; null when it is not yet, -1 when it is another than the tiles say. */
export async function restoreEntries(tx: Tx, call: string): Promise<number | null> {
  const [row] = await query<{ minimum: number | null }>(
    tx,
    "select ledger.restore($1) as minimum",
    [call],
  );
  return row!.minimum;
}

/** Entries of a range that are here. */
export async function countEntries(tx: Tx, first: number, past: number): Promise<number> {
  const [row] = await query<{ count: number }>(
    tx,
    "select count(*) as count from ledger.entries where tenant_id = (select ops.tenant()) and index >= $1 and index < $2",
    [first, past],
  );
  return row!.count;
}
