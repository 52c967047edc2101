import { query, type Tx } from "#kernel/db.ts";

export interface StoredHead {
  readonly sequence: number;
  readonly size: number;
  readonly entryHash: Buffer;
  readonly merkleRoot: Buffer;
  readonly subtrees: readonly Buffer[];
  readonly importUntil: number | null;
}

const HEAD = `sequence, size, entry_hash as "entryHash", merkle_root as "merkleRoot", subtrees, import_until as "importUntil"`;

export async function readHead(tx: Tx): Promise<StoredHead | undefined> {
  const [row] = await query<StoredHead>(
    tx,
    `select ${HEAD} from vault.heads where tenant_id = (select ops.tenant())`,
  );
  return row;
}

/** The head, and nobody else moves it before this transaction ends. A project's first is made of `empty`. */
export async function lockHead(
  tx: Tx,
  tenantId: string,
  empty: { entryHash: Uint8Array; merkleRoot: Uint8Array },
): Promise<StoredHead> {
  const lock = () =>
    query<StoredHead>(tx, `select ${HEAD} from vault.heads where tenant_id = $1 for update`, [
      tenantId,
    ]);
  const [head] = await lock();
  if (head !== undefined) return head;
  await query(
    tx,
    `insert into vault.heads (tenant_id, entry_hash, merkle_root) values ($1, $2, $3)
     on conflict (tenant_id) do nothing`,
    [tenantId, empty.entryHash, empty.merkleRoot],
  );
  const [made] = await lock();
  return made!;
}

export interface StoredEntry {
  readonly sequence: number;
  readonly leafIndex: number;
  readonly sealId: string;
  readonly sessionId: string;
  readonly verdict: string;
  /** Written as in the text; read with six digits of a second and no offset. */
  readonly timestamp: string;
  readonly canonical: string;
  readonly entryHash: Uint8Array;
  readonly prevHash: Uint8Array;
  readonly merkleRoot: Uint8Array;
  readonly callId: string;
}

export interface ImportedFile {
  readonly sequence: number;
  readonly name: string;
  readonly hash: Uint8Array;
}

/** Adds entries, with the files that they came from if they were imported, and moves the head. */
export async function append(
  tx: Tx,
  tenantId: string,
  head: StoredHead,
  entries: readonly StoredEntry[],
  files: readonly ImportedFile[] = [],
): Promise<void> {
  const column = <Key extends keyof StoredEntry>(key: Key) => entries.map((entry) => entry[key]);
  if (entries.length > 0)
    await query(
      tx,
      `insert into vault.entries (tenant_id, sequence, leaf_index, seal_id, session_id, verdict, sealed_at, canonical, entry_hash,
         prev_hash, merkle_root, call_id)
       select $1, * from unnest($2::int8[], $3::int8[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::bytea[],
         $10::bytea[], $11::bytea[], $12::uuid[])`,
      [
        tenantId,
        column("sequence"),
        column("leafIndex"),
        column("sealId"),
        column("sessionId"),
        column("verdict"),
        column("timestamp"),
        column("canonical"),
        buffers(column("entryHash")),
        buffers(column("prevHash")),
        buffers(column("merkleRoot")),
        column("callId"),
      ],
    );
  if (files.length > 0)
    await query(
      tx,
      `insert into vault.imported_files (tenant_id, sequence, file_name, file_hash)
       select $1, * from unnest($2::int8[], $3::text[], $4::bytea[])`,
      [
        tenantId,
        files.map(({ sequence }) => sequence),
        files.map(({ name }) => name),
        buffers(files.map(({ hash }) => hash)),
      ],
    );
  await query(
    tx,
    `update vault.heads set sequence = $2, size = $3, entry_hash = $4, merkle_root = $5, subtrees = $6, import_until = $7
     where tenant_id = $1`,
    [
      tenantId,
      head.sequence,
      head.size,
      head.entryHash,
      head.merkleRoot,
      head.subtrees,
      head.importUntil,
    ],
  );
}

const buffers = (values: readonly Uint8Array[]): Buffer[] =>
  values.map((value) => Buffer.from(value));

const ENTRY = `sequence, leaf_index as "leafIndex", seal_id as "sealId", session_id as "sessionId", verdict,
  to_char(sealed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US') as "timestamp", canonical,
  entry_hash as "entryHash", prev_hash as "prevHash", merkle_root as "merkleRoot", call_id as "callId"
  from vault.entries where tenant_id = (select ops.tenant())`;

export async function readEntry(tx: Tx, sequence: number): Promise<StoredEntry | undefined> {
  const [row] = await query<StoredEntry>(tx, `select ${ENTRY} and sequence = $1`, [sequence]);
  return row;
}

/** What is asked for: of these sequences, this session, these verdicts, these times, all inclusive but `below` and `above`. */
export interface Filter {
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  readonly session?: string | undefined;
  readonly verdicts?: readonly string[] | undefined;
  readonly start?: string | undefined;
  readonly end?: string | undefined;
}

/**
 * The first entries of those that are asked for: at most so many, and as many as fit into so many bytes of their texts, one at
 * least. `more` when there are others after them.
 */
export async function readPage(
  tx: Tx,
  filter: Filter,
  order: "asc" | "desc",
  limits: { entries: number; bytes: number },
): Promise<{ rows: StoredEntry[]; more: boolean }> {
  const values: unknown[] = [limits.entries + 1, limits.bytes];
  const where = (value: unknown, condition: (placeholder: string) => string): string =>
    value === undefined ? "" : ` and ${condition(`$${values.push(value)}`)}`;
  const conditions = [
    where(filter.above, (value) => `sequence > ${value}::int8`),
    where(filter.below, (value) => `sequence < ${value}::int8`),
    where(filter.session, (value) => `session_id = ${value}`),
    where(filter.verdicts, (value) => `verdict = any(${value}::text[])`),
    where(filter.start, (value) => `sealed_at >= ${value}::timestamptz`),
    where(filter.end, (value) => `sealed_at <= ${value}::timestamptz`),
  ].join("");
  const found = await query<StoredEntry & { found: number }>(
    tx,
    `select * from (
       select *, sum(octet_length(canonical)) over (order by sequence ${order}) as bytes,
         row_number() over (order by sequence ${order}) as nth, count(*) over () as found
       from (select ${ENTRY}${conditions} order by sequence ${order} limit $1) f) measured
     where bytes <= $2 or nth = 1 order by sequence ${order}`,
    values,
  );
  const rows = found.slice(0, limits.entries);
  return { rows, more: rows.length < (found[0]?.found ?? 0) };
}

/** Hashes of entries in order, from this leaf on. */
export const readHashes = (
  tx: Tx,
  from: number,
  limit: number,
): Promise<{ leafIndex: number; entryHash: Buffer }[]> =>
  query(
    tx,
    `select leaf_index as "leafIndex", entry_hash as "entryHash" from vault.entries
     where tenant_id = (select ops.tenant()) and leaf_index >= $1 order by leaf_index limit $2`,
    [from, limit],
  );

/** The imported files of these sequences: how many, and SHA-256 of what `sha256sum` prints of them by name. */
export async function readChecksum(
  tx: Tx,
  first: number,
  last: number,
): Promise<{ files: number; checksum: string }> {
  const [row] = await query<{ files: number; checksum: string }>(
    tx,
    `select count(*) as files, encode(sha256(convert_to(coalesce(
         string_agg(encode(file_hash, 'hex') || '  ' || file_name || e'\\n', '' order by file_name collate "C"), ''), 'UTF8')), 'hex') as checksum
     from vault.imported_files where tenant_id = (select ops.tenant()) and sequence between $1 and $2`,
    [first, last],
  );
  return row!;
}

/** An entry by its place and the hash that its text has now. */
export interface SealedVerdict {
  readonly sequence: number;
  readonly hash: string;
}

/** What these calls put into the vault, in order. */
export async function readSealedVerdicts(
  tx: Tx,
  callIds: readonly string[],
): Promise<ReadonlyMap<string, readonly SealedVerdict[]>> {
  const rows = await query<SealedVerdict & { callId: string }>(
    tx,
    `select call_id as "callId", sequence, encode(sha256(convert_to(canonical, 'UTF8')), 'hex') as hash from vault.entries
     where tenant_id = (select ops.tenant()) and call_id = any($1::uuid[]) order by sequence`,
    [callIds],
  );
  return Map.groupBy(rows, ({ callId }) => callId);
}

/** Calls of which the condition, given the SQL of their id, is true. */
export async function readVerdictCalls(
  tx: Tx,
  condition: (id: string) => string,
  limit: number,
): Promise<string[]> {
  const rows = await query<{ id: string }>(
    tx,
    `select distinct v.call_id as id from vault.entries v where v.tenant_id = (select ops.tenant()) and ${condition("v.call_id")} limit $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}
