import { type Append, appendTable, rowOf, StatementBuilder } from "#kernel/append.ts";
import { query, type Tx } from "#kernel/db.ts";
import type { Readers } from "#pipeline";

const PENDING = appendTable("ledger.pending", { id: "uuid", entry: "bytea" });
const PAYLOADS = appendTable("ledger.payloads", {
  entry_id: "uuid",
  salt: "bytea",
  payload: "text",
});
const ENTRIES = appendTable("ledger.entries", { index: "int8", id: "uuid", entry: "bytea" });
const TILES = appendTable("ledger.tiles", { level: "int2", index: "int8", hashes: "bytea" });

export const pendingRows = (
  id: string,
  entry: Uint8Array,
  salt: Uint8Array,
  payload: string,
): Append[] => [rowOf(PENDING, { id, entry }), rowOf(PAYLOADS, { entry_id: id, salt, payload })];

export interface Head {
  readonly origin: string;
  readonly size: number;
  readonly hashes: Buffer[];
}

export async function insertHead(tx: Tx, tenantId: string, origin: string): Promise<void> {
  await query(tx, "insert into ledger.heads (tenant_id, origin) values ($1, $2)", [
    tenantId,
    origin,
  ]);
}

export async function readHead(tx: Tx): Promise<Head | undefined> {
  const [row] = await query<Head>(
    tx,
    "select origin, size, hashes from ledger.heads where tenant_id = (select ops.tenant())",
  );
  return row;
}

/** Size of the log, with its head locked; undefined while another sequencer holds it. */
export async function lockHead(tx: Tx, tenantId: string): Promise<number | undefined> {
  const [row] = await query<{ size: number }>(
    tx,
    "select size from ledger.heads where tenant_id = $1 for update skip locked",
    [tenantId],
  );
  return row?.size;
}

export interface Pending {
  readonly id: string;
  readonly entry: Buffer;
}

/** Takes the oldest entries that have no place yet. By ctid, so that the rows are looked up once: nobody else moves them. */
export async function takePending(tx: Tx, tenantId: string, limit: number): Promise<Pending[]> {
  const rows = await query<Pending>(
    tx,
    `delete from ledger.pending where tenant_id = $1 and ctid = any
       (array(select ctid from ledger.pending where tenant_id = $1 order by id limit $2)) returning id, entry`,
    [tenantId, limit],
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
}

/** Writes a batch with its full tiles and moves the head from `size`, or false when the head was not there any more. */
export async function writeBatch(
  tx: Tx,
  tenantId: string,
  batch: {
    size: number;
    entries: readonly Pending[];
    tiles: readonly Tile[];
    hashes: readonly Uint8Array[];
  },
): Promise<boolean> {
  const statement = new StatementBuilder();
  const tenant = statement.value(tenantId);
  const entries = batch.entries.map(({ id, entry }, i) => ({ index: batch.size + i, id, entry }));
  statement.insert(ENTRIES, { rows: entries, calls: [] }, tenant);
  if (batch.tiles.length > 0)
    statement.insert(TILES, { rows: batch.tiles.map((tile) => ({ ...tile })), calls: [] }, tenant);
  const moved = await query(
    tx,
    `with ${statement.parts.join(", ")} update ledger.heads set size = ${statement.value(batch.size + batch.entries.length)},
       hashes = ${statement.value(batch.hashes.map((hash) => Buffer.from(hash)))}::bytea[]
     where tenant_id = ${tenant} and size = ${statement.value(batch.size)} returning size`,
    statement.values,
  );
  return moved.length === 1;
}

export interface Checkpoint {
  readonly size: number;
  readonly root: Buffer;
  readonly note: string;
  readonly createdAt: Date;
}

const CHECKPOINT = `size, root, note, created_at as "createdAt"`;

export async function readNewestCheckpoint(tx: Tx): Promise<Checkpoint | undefined> {
  const [row] = await query<Checkpoint>(
    tx,
    `select ${CHECKPOINT} from ledger.checkpoints where tenant_id = (select ops.tenant()) order by size desc limit 1`,
  );
  return row;
}

export async function readCheckpoints(
  tx: Tx,
  sizes: { above: number; upTo: number },
  limit: number,
): Promise<Checkpoint[]> {
  return query(
    tx,
    `select ${CHECKPOINT} from ledger.checkpoints
     where tenant_id = (select ops.tenant()) and size > $1 and size <= $2 order by size limit $3`,
    [sizes.above, sizes.upTo, limit],
  );
}

/** Stores a checkpoint and wakes those who follow the log, unless one of its size or larger is there, or the log is shorter than it says; false then. */
export async function insertCheckpoint(
  tx: Tx,
  tenantId: string,
  { size, root, note }: { size: number; root: Uint8Array; note: string },
): Promise<boolean> {
  const stored = await query(
    tx,
    `insert into ledger.checkpoints (tenant_id, size, root, note) select $1, $2, $3, $4
     where exists (select from ledger.heads where tenant_id = $1 and size >= $2)
       and not exists (select from ledger.checkpoints where tenant_id = $1 and size > $2)
     on conflict do nothing returning size, pg_notify('sealbase_log', tenant_id::text)`,
    [tenantId, size, root, note],
  );
  return stored.length === 1;
}

export interface StoredEntry {
  readonly index: number;
  readonly id: string;
  readonly entry: Buffer;
  readonly salt: Buffer | null;
  readonly payload: string | null;
}

const ENTRY = `e.index, e.id, e.entry, p.salt, p.payload from ledger.entries e
  left join ledger.payloads p on p.tenant_id = e.tenant_id and p.entry_id = e.id where e.tenant_id = (select ops.tenant())`;

/** Entries from `from` up, each with its payload when it was not erased. */
export const readEntries = (tx: Tx, from: number, limit: number): Promise<StoredEntry[]> =>
  query(tx, `select ${ENTRY} and e.index >= $1 order by e.index limit $2`, [from, limit]);

/** As many of the entries from `from` up as there may be and as fit into so many bytes with their payloads; one at least. */
export const readEntriesWithin = (
  tx: Tx,
  from: number,
  limits: { entries: number; bytes: number },
): Promise<StoredEntry[]> =>
  // Lengths are known without reading what is long: PostgreSQL fetches that only for the rows that are given.
  query(
    tx,
    `select index, id, entry, salt, payload from (
       select *, sum(octet_length(entry) + coalesce(octet_length(payload), 0)) over (order by index) as bytes,
         row_number() over (order by index) as nth
       from (select ${ENTRY} and e.index >= $1 order by e.index limit $2) some_entries) measured
     where bytes <= $3 or nth = 1 order by index`,
    [from, limits.entries, limits.bytes],
  );

/** Entries below `before`, the newest first. */
export const readNewestEntries = (
  tx: Tx,
  before: number | undefined,
  limit: number,
): Promise<StoredEntry[]> =>
  query(
    tx,
    `select ${ENTRY} and e.index < coalesce($1::int8, 9223372036854775807) order by e.index desc limit $2`,
    [before ?? null, limit],
  );

export async function readEntry(tx: Tx, id: string): Promise<StoredEntry | undefined> {
  const [row] = await query<StoredEntry>(tx, `select ${ENTRY} and e.id = $1`, [id]);
  return row;
}

/** Whether an entry waits for its place. */
export async function isPending(tx: Tx, id: string): Promise<boolean> {
  const rows = await query(
    tx,
    "select from ledger.pending where tenant_id = (select ops.tenant()) and id = $1",
    [id],
  );
  return rows.length > 0;
}

export const readPlaces = (
  tx: Tx,
  ids: readonly string[],
): Promise<{ id: string; index: number }[]> =>
  query(
    tx,
    "select id, index from ledger.entries where tenant_id = (select ops.tenant()) and id = any($1::uuid[])",
    [ids],
  );

/** Ids whose payload is there although the entry is neither in the log nor on its way to it. */
export const readLost = async (tx: Tx, limit: number): Promise<string[]> =>
  (
    await query<{ id: string }>(
      tx,
      `select p.entry_id as id from ledger.payloads p where p.tenant_id = (select ops.tenant())
         and not exists (select from ledger.entries e where e.tenant_id = p.tenant_id and e.id = p.entry_id)
         and not exists (select from ledger.pending q where q.tenant_id = p.tenant_id and q.id = p.entry_id)
       order by p.entry_id limit $1`,
      [limit],
    )
  ).map(({ id }) => id);

/**
 * SQL that is true of an id that was never sealed: no entry in the log or on its way to it, and no payload, whose entry
 * would be lost (`readLost`). Name the id's table, since these have an id too.
 */
export const isUnsealed = (id: string): string =>
  [
    "ledger.entries e where e.id",
    "ledger.pending e where e.id",
    "ledger.payloads e where e.entry_id",
  ]
    .map(
      (rows) => `not exists (select from ${rows} = ${id} and e.tenant_id = (select ops.tenant()))`,
    )
    .join(" and ");

/** Jobs that an entry is about. Read as text: an entry that somebody changed may be no JSON any more. */
const jobsOf = (rows: string): string =>
  `select substring(encode(e.entry, 'escape') from '"job":"([0-9a-f-]{36})"') as id from ${rows} e
   where e.tenant_id = (select ops.tenant()) and position('"job":"'::bytea in e.entry) > 0`;

/** SQL that is true of a job's id that no entry is about, in the log or on its way to it. */
export const isUnsealedJob = (id: string): string =>
  ["ledger.entries", "ledger.pending"]
    .map((rows) => `not exists (select from (${jobsOf(rows)}) j where j.id = ${id}::text)`)
    .join(" and ");

/** Those of these jobs that entries from `from` up are about, or entries that wait for a place. */
export const readJobsSealedFrom = async (
  tx: Tx,
  from: number,
  ids: readonly string[],
): Promise<string[]> =>
  (
    await query<{ id: string }>(
      tx,
      `select j.id from (${jobsOf("ledger.entries")} and e.index >= $1 union ${jobsOf("ledger.pending")}) j
       where j.id = any($2::text[])`,
      [from, ids],
    )
  ).map(({ id }) => id);

/** Bytes of entries `from` (included) to `to` (excluded). */
export async function readBytes(tx: Tx, from: number, to: number): Promise<Buffer[]> {
  const rows = await query<{ entry: Buffer }>(
    tx,
    "select entry from ledger.entries where tenant_id = (select ops.tenant()) and index >= $1 and index < $2 order by index",
    [from, to],
  );
  return rows.map(({ entry }) => entry);
}

export const readTiles = (tx: Tx, level: number, from: number, to: number): Promise<Tile[]> =>
  query(
    tx,
    `select level, index, hashes from ledger.tiles
     where tenant_id = (select ops.tenant()) and level = $1 and index >= $2 and index < $3 order by index`,
    [level, from, to],
  );

/** What strangers may read of the log; `none` also where there is no such project. */
export async function readReaders(tx: Tx): Promise<Readers> {
  const [row] = await query<{ readers: Readers }>(
    tx,
    "select readers from ledger.openings where tenant_id = (select ops.tenant())",
  );
  return row?.readers ?? "none";
}

export async function writeReaders(tx: Tx, tenantId: string, readers: Readers): Promise<void> {
  await query(
    tx,
    `insert into ledger.openings (tenant_id, readers) values ($1, $2)
     on conflict (tenant_id) do update set readers = excluded.readers`,
    [tenantId, readers],
  );
}

/** What a tile is read from: itself when it is full, else what is below it; and how far the log is published. */
export interface TileSource {
  readonly origin: string;
  readonly published: number;
  readonly full: Buffer | null;
  /** Entries below level 0, full tiles below the others. */
  readonly below: readonly Buffer[];
}

const PUBLISHED = `from ledger.heads h cross join lateral (
  select coalesce(max(c.size), 0) as published from ledger.checkpoints c where c.tenant_id = h.tenant_id) p`;

export async function readTileSource(
  tx: Tx,
  level: number,
  index: number,
): Promise<TileSource | undefined> {
  const below =
    level === 0
      ? "select e.entry from ledger.entries e where e.tenant_id = h.tenant_id"
      : "select b.hashes from ledger.tiles b where b.tenant_id = h.tenant_id and b.level = $1::int2 - 1";
  const [row] = await query<TileSource>(
    tx,
    `select h.origin, p.published, t.hashes as full,
       case when t.hashes is null then array(${below} and index >= $2::int8 * 256 and index < ($2::int8 + 1) * 256 order by index)
         else '{}' end as below
     ${PUBLISHED} left join ledger.tiles t on t.tenant_id = h.tenant_id and t.level = $1::int2 and t.index = $2::int8
     where h.tenant_id = (select ops.tenant())`,
    [level, index],
  );
  return row;
}

/** The entries of a bundle, those that no checkpoint covers left out, and how far the log is published. */
export async function readBundle(
  tx: Tx,
  index: number,
): Promise<{ origin: string; published: number; entries: Buffer[] } | undefined> {
  const [row] = await query<{ origin: string; published: number; entries: Buffer[] }>(
    tx,
    `select h.origin, p.published, array(select e.entry from ledger.entries e where e.tenant_id = h.tenant_id
       and e.index >= $1::int8 * 256 and e.index < least(($1::int8 + 1) * 256, p.published) order by e.index) as entries
     ${PUBLISHED} where h.tenant_id = (select ops.tenant())`,
    [index],
  );
  return row;
}

/** How far the log is published, and its name. */
export async function readPublished(
  tx: Tx,
): Promise<{ origin: string; published: number } | undefined> {
  const [row] = await query<{ origin: string; published: number }>(
    tx,
    `select h.origin, p.published ${PUBLISHED} where h.tenant_id = (select ops.tenant())`,
  );
  return row;
}

export const readLogsWithWork = async (tx: Tx): Promise<string[]> =>
  (await query<{ id: string }>(tx, "select ledger.logs_with_work() as id")).map(({ id }) => id);

export interface Uncovered {
  /** Entries without a place; no more than `limit` are counted. */
  readonly pending: number;
  /** The oldest entry that no checkpoint covers. */
  readonly oldest: string | null;
}

export async function readUncovered(tx: Tx, limit: number): Promise<Uncovered> {
  const [row] = await query<Uncovered>(
    tx,
    `select (select count(*) from (select from ledger.pending where tenant_id = t.id limit $1) counted) as pending,
       coalesce(
         (select e.id from ledger.entries e where e.tenant_id = t.id and e.index >= coalesce(
            (select max(c.size) from ledger.checkpoints c where c.tenant_id = t.id), 0) order by e.index limit 1),
         (select p.id from ledger.pending p where p.tenant_id = t.id order by p.id limit 1)) as oldest
     from (select ops.tenant() as id) t`,
    [limit],
  );
  return row!;
}
