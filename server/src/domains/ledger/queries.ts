import { type Append, appendTable, rowOf, StatementBuilder } from "#kernel/append.ts";
import { query, type Tx } from "#kernel/db.ts";
import type { Readers } from "#pipeline";
import type { HashTile } from "#verifier";

const PENDING = appendTable("ledger.pending", { id: "uuid", entry: "bytea" });
const PAYLOADS = appendTable("ledger.payloads", {
  entry_id: "uuid",
  salt: "bytea",
  payload: "text",
});
const TILES = appendTable("ledger.tiles", {
  level: "int2",
  index: "int8",
  hashes: "bytea",
  root: "bytea",
});

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

/** Below every id. */
const NO_ID = "00000000-0000-0000-0000-000000000000";

/** Entries that a batch gave places to, in their order. */
export interface Placed {
  readonly ids: readonly string[];
  /** Leaf hashes (RFC 9162), 32 bytes each, one after the other. */
  readonly leaves: Buffer;
}

/**
 * Locks the head and, when the log is as long as the caller thinks, moves the oldest entries that have no place, those after an id if one is given, to the end
 * of the log: one statement, and what is in them does not leave the database. `size` is the log's before; undefined
 * while another sequencer holds the head. By ctid, so that the rows are looked up once: nobody else moves them.
 */
export async function placePending(
  tx: Tx,
  tenantId: string,
  size: number,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<Placed & { readonly size: number | undefined }> {
  const [row] = await query<{ size: number | null; ids: string[]; leaves: Buffer }>(
    tx,
    `with head as (select size from ledger.heads where tenant_id = $1 for update skip locked),
       taken as (delete from ledger.pending where tenant_id = $1 and (select size from head) = $2 and ctid = any
         (array(select ctid from ledger.pending where tenant_id = $1 and id > $4 order by id limit $3)) returning id, entry),
       placed as (insert into ledger.entries (tenant_id, index, id, entry)
         select $1, $2 - 1 + row_number() over (order by id), id, entry from taken returning index, id, entry)
     select (select size from head) as size, coalesce(array_agg(id::text order by index), '{}') as ids,
       coalesce(string_agg(sha256('\\x00'::bytea || entry), '' order by index), '') as leaves from placed`,
    [tenantId, size, limit, after ?? NO_ID],
  );
  const { size: found, ids, leaves } = row!;
  return { size: found ?? undefined, ids, leaves };
}

export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
  /** Of its hashes: what stands for it in the tile above. */
  readonly root: Uint8Array;
}

/** Keeps the full tiles of a batch and moves the head from `size` to `grown`, or false when the head was not there any more. */
export async function moveHead(
  tx: Tx,
  tenantId: string,
  {
    size,
    grown,
    tiles,
    hashes,
    durable,
  }: {
    size: number;
    grown: number;
    tiles: readonly Tile[];
    hashes: readonly Uint8Array[];
    /** Whether the commit waits for the disk. A batch that is lost in a crash is pending again: its entries were on disk there. */
    durable: boolean;
  },
): Promise<boolean> {
  const statement = new StatementBuilder();
  const tenant = statement.value(tenantId);
  if (tiles.length > 0)
    statement.insert(TILES, { rows: tiles.map((tile) => ({ ...tile })), calls: [] }, tenant);
  const moved = await query(
    tx,
    `${statement.parts.length > 0 ? `with ${statement.parts.join(", ")} ` : ""}update ledger.heads set size = ${statement.value(grown)},
       hashes = ${statement.value(hashes.map((hash) => Buffer.from(hash)))}::bytea[]
     where tenant_id = ${tenant} and size = ${statement.value(size)} returning size${durable ? "" : ", set_config('synchronous_commit', 'off', true)"}`,
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

/**
 * Stores a checkpoint and wakes those who follow the log, unless one of its size or larger is there, the log is shorter than it
 * says, or an entry that is placed or on its way to the log replaces the key that signed it; false then. A row of rollovers alone replaces nothing.
 */
export async function insertCheckpoint(
  tx: Tx,
  tenantId: string,
  { size, root, note, key }: { size: number; root: Uint8Array; note: string; key: string },
): Promise<boolean> {
  const stored = await query(
    tx,
    `insert into ledger.checkpoints (tenant_id, size, root, note) select $1, $2, $3, $4
     where exists (select from ledger.heads where tenant_id = $1 and size >= $2)
       and not exists (select from ledger.checkpoints where tenant_id = $1 and size > $2)
       and not exists (select from ledger.key_rollovers r join (select id, entry from ledger.entries where tenant_id = $1
           union all select id, entry from ledger.pending where tenant_id = $1) e on e.id = r.entry_id
         where r.tenant_id = $1 and position('"kind":"rollover"'::bytea in e.entry) > 0 and position($5::bytea in e.entry) > 0)
     on conflict do nothing returning size, pg_notify('sealbase_log', tenant_id::text)`,
    [tenantId, size, root, note, Buffer.from(`"previous_key":${JSON.stringify(key)}`)],
  );
  return stored.length === 1;
}

export interface StoredEntry {
  readonly index: number;
  readonly id: string;
  readonly entry: Buffer;
  readonly salt: Buffer | null;
  readonly payload: string | null;
  /** The call that erased the payload. */
  readonly erasedBy: string | null;
}

/** SQL of the call that erased the payload of entry `e`; null when `p`, its payload, is there. */
export const ERASED_BY = `case when p.entry_id is null then
    (select x.erasure_id from ledger.erasures x where x.tenant_id = e.tenant_id and x.entry_id = e.id order by x.created_at limit 1) end`;

const ENTRY = `e.index, e.id, e.entry, p.salt, p.payload, ${ERASED_BY} as "erasedBy" from ledger.entries e
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
    `select index, id, entry, salt, payload, "erasedBy" from (
       select *, sum(octet_length(entry) + coalesce(octet_length(payload), 0)) over (order by index) as bytes,
         row_number() over (order by index) as nth
       from (select ${ENTRY} and e.index >= $1 order by e.index limit $2) some_entries) measured
     where bytes <= $3 or nth = 1 order by index`,
    [from, limits.entries, limits.bytes],
  );

/** SQL of the index below which entries are in archives: rows that are there all the same are on their way back. */
export const MINIMUM = `coalesce((select a.minimum from ledger.archives a where a.tenant_id = (select ops.tenant())
  order by a.number desc limit 1), 0)`;

export async function readMinimum(tx: Tx): Promise<number> {
  const [row] = await query<{ minimum: number }>(tx, `select ${MINIMUM} as minimum`);
  return row!.minimum;
}

export async function readEntry(tx: Tx, id: string): Promise<StoredEntry | undefined> {
  const [row] = await query<StoredEntry>(
    tx,
    `select ${ENTRY} and e.id = $1
       and not exists (select from ledger.archived a where a.tenant_id = e.tenant_id and a.id = e.id)`,
    [id],
  );
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

/** SQL that is true of a tile which a log of so many entries fills; a row of any other was put there beside the log. */
export const isFull = (level: string, index: string, size: string): string =>
  `(${index} + 1)::numeric * 256::numeric ^ (${level} + 1) <= (${size})`;

const HEAD_SIZE = "select s.size from ledger.heads s where s.tenant_id = (select ops.tenant())";

/**
 * SQL that is true of an id that was never sealed: no entry in the log, on its way to it or in an archive, and no payload, whose entry
 * would be lost (`readLost`). Name the id's table, since these have an id too.
 */
export const isUnsealed = (id: string): string =>
  [
    "ledger.entries e where e.id",
    "ledger.pending e where e.id",
    "ledger.payloads e where e.entry_id",
    "ledger.archived e where e.id",
  ]
    .map(
      (rows) => `not exists (select from ${rows} = ${id} and e.tenant_id = (select ops.tenant()))`,
    )
    .join(" and ");

/** Jobs that an entry is about. Read as text: an entry that somebody changed may be no JSON any more. */
const jobsOf = (rows: string): string =>
  `select substring(encode(e.entry, 'escape') from '"job":"([0-9a-f-]{36})"') as id from ${rows} e
   where e.tenant_id = (select ops.tenant()) and position('"job":"'::bytea in e.entry) > 0`;

/** SQL that is true of a job's id that no entry is about, in the log, on its way to it or in an archive. */
export const isUnsealedJob = (id: string): string =>
  [jobsOf("ledger.entries"), jobsOf("ledger.pending"), ARCHIVED_JOBS]
    .map((jobs) => `not exists (select from (${jobs}) j where j.id = ${id}::text)`)
    .join(" and ");

const ARCHIVED_JOBS =
  "select a.job as id from ledger.archived a where a.tenant_id = (select ops.tenant()) and a.job is not null";

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

/**
 * The first `width` hashes of each of these tiles, joined: of a full one as they are stored, else computed from the entries or
 * the tiles that it is made of. In one question.
 */
export async function readTileHashes(tx: Tx, places: readonly HashTile[]): Promise<Buffer[]> {
  const rows = await query<{ hashes: Buffer | null }>(
    tx,
    `select coalesce(t.hashes, case w.level
         when 0 then (select string_agg(sha256('\\x00'::bytea || e.entry), '' order by e.index) from ledger.entries e
           where e.tenant_id = (select ops.tenant()) and e.index >= w.index * 256 and e.index < w.index * 256 + w.width)
         else (select string_agg(b.root, '' order by b.index) from ledger.tiles b
           where b.tenant_id = (select ops.tenant()) and b.level = w.level - 1
             and b.index >= w.index * 256 and b.index < w.index * 256 + w.width) end) as hashes
     from unnest($1::int2[], $2::int8[], $3::int4[]) with ordinality w(level, index, width, place)
     left join ledger.tiles t on t.tenant_id = (select ops.tenant()) and t.level = w.level and t.index = w.index and w.width > 0
       and ${isFull("w.level", "w.index", HEAD_SIZE)}
     order by w.place`,
    [
      places.map(({ level }) => level),
      places.map(({ index }) => index),
      places.map(({ width }) => width),
    ],
  );
  return rows.map(({ hashes }, i) => {
    const { level, index, width } = places[i]!;
    const found = hashes ?? Buffer.alloc(0);
    if (found.length < width * 32)
      throw new Error(`tile ${level}/${index} lacks hashes: ${found.length / 32} of ${width}`);
    return found.subarray(0, width * 32);
  });
}

export const readTiles = (tx: Tx, level: number, from: number, to: number): Promise<Tile[]> =>
  query(
    tx,
    `select level, index, hashes, root from ledger.tiles
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
  /** Entries below level 0, roots of full tiles below the others. */
  readonly below: readonly Buffer[];
}

/** What decides which checkpoints readers are shown. */
export interface Showing {
  readonly waitsForWitnesses: boolean;
}

const publishedBy = ({ waitsForWitnesses }: Showing): string =>
  `from ledger.heads h cross join lateral (select coalesce(max(c.size), 0) as published
   from ledger.${waitsForWitnesses ? "witnessed" : "checkpoints"} c where c.tenant_id = h.tenant_id) p`;

export async function readTileSource(
  tx: Tx,
  showing: Showing,
  level: number,
  index: number,
): Promise<TileSource | undefined> {
  const below =
    level === 0
      ? "select e.entry from ledger.entries e where e.tenant_id = h.tenant_id"
      : "select b.root from ledger.tiles b where b.tenant_id = h.tenant_id and b.level = $1::int2 - 1";
  const [row] = await query<TileSource>(
    tx,
    `select h.origin, p.published, t.hashes as full,
       case when t.hashes is null then array(${below} and index >= $2::int8 * 256 and index < ($2::int8 + 1) * 256 order by index)
         else '{}' end as below
     ${publishedBy(showing)} left join ledger.tiles t on t.tenant_id = h.tenant_id and t.level = $1::int2 and t.index = $2::int8
       and ${isFull("t.level", "t.index", "h.size")}
     where h.tenant_id = (select ops.tenant())`,
    [level, index],
  );
  return row;
}

/** The entries of a bundle, those that no checkpoint covers left out, and how far the log is published and archived. */
export async function readBundle(
  tx: Tx,
  showing: Showing,
  index: number,
): Promise<{ origin: string; published: number; minimum: number; entries: Buffer[] } | undefined> {
  const [row] = await query<{
    origin: string;
    published: number;
    minimum: number;
    entries: Buffer[];
  }>(
    tx,
    `select h.origin, p.published, ${MINIMUM} as minimum, array(select e.entry from ledger.entries e where e.tenant_id = h.tenant_id
       and e.index >= $1::int8 * 256 and e.index < least(($1::int8 + 1) * 256, p.published) order by e.index) as entries
     ${publishedBy(showing)} where h.tenant_id = (select ops.tenant())`,
    [index],
  );
  return row;
}

/** How far the log is published, and its name. */
export async function readPublishedSize(
  tx: Tx,
  showing: Showing,
): Promise<{ origin: string; published: number } | undefined> {
  const [row] = await query<{ origin: string; published: number }>(
    tx,
    `select h.origin, p.published ${publishedBy(showing)} where h.tenant_id = (select ops.tenant())`,
  );
  return row;
}

export interface LogWithWork {
  readonly id: string;
  /** Entries without a place, counted up to the limit that was asked for. */
  readonly pending: number;
}

export const readLogsWithWork = (tx: Tx, pendingMax: number): Promise<LogWithWork[]> =>
  query(tx, "select id, pending from ledger.logs_with_work($1)", [pendingMax]);

/** The oldest entry that no checkpoint covers. */
export async function readOldestUncovered(tx: Tx): Promise<string | null> {
  const [row] = await query<{ oldest: string | null }>(
    tx,
    `select coalesce(
         (select e.id from ledger.entries e where e.tenant_id = t.id and e.index >= coalesce(
            (select max(c.size) from ledger.checkpoints c where c.tenant_id = t.id), 0) order by e.index limit 1),
         (select p.id from ledger.pending p where p.tenant_id = t.id order by p.id limit 1)) as oldest
     from (select ops.tenant() as id) t`,
  );
  return row!.oldest;
}
