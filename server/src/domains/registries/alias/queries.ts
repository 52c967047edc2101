import { query, type Tx } from "#kernel/db.ts";
import { type Endorsement, insertEndorsement } from "../endorsement.ts";
import type { MaintainerSet } from "./record.ts";

/** One change of an alias at a time; the triggers of its tables take the same lock. */
export const lockAlias = (tx: Tx, tenantId: string, alias: string): Promise<unknown> =>
  query(tx, "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2, 5))", [
    tenantId,
    alias,
  ]);

export interface StoredSet extends MaintainerSet {
  readonly id: string;
  readonly maintainers: readonly Buffer[];
  readonly rotationSigners: readonly Buffer[];
  readonly rotationSignatures: readonly Buffer[];
  readonly createdAt: Date;
}

const SET = `s.id, s.alias, s.number, s.maintainers, s.min_signers as "minSigners", s.rotation_signers as "rotationSigners",
  s.rotation_signatures as "rotationSignatures", s.created_at as "createdAt"`;

/** The set of this number, or the current one. */
export async function readSet(
  tx: Tx,
  alias: string,
  number?: number,
): Promise<StoredSet | undefined> {
  const [row] = await query<StoredSet>(
    tx,
    `select ${SET} from ledger.alias_maintainer_sets s where s.tenant_id = (select ops.tenant()) and s.alias = $1
       and s.number = coalesce($2::int4, s.number) order by s.number desc limit 1`,
    [alias, number ?? null],
  );
  return row;
}

export const insertSet = (tx: Tx, tenantId: string, set: StoredSet): Promise<unknown> =>
  query(
    tx,
    `insert into ledger.alias_maintainer_sets
       (tenant_id, id, alias, number, maintainers, min_signers, rotation_signers, rotation_signatures, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      tenantId,
      set.id,
      set.alias,
      set.number,
      set.maintainers,
      set.minSigners,
      set.rotationSigners,
      set.rotationSignatures,
      set.createdAt,
    ],
  );

/** A record, the set that may endorse it, and who of them has. */
export interface StoredAliasRecord extends MaintainerSet {
  readonly id: string;
  readonly node: Buffer;
  readonly publicKey: Buffer;
  readonly seq: number;
  readonly ts: number;
  readonly signature: Buffer;
  readonly record: Buffer;
  readonly setId: string;
  readonly maintainers: readonly Buffer[];
  readonly endorsers: readonly Buffer[];
  readonly signatures: readonly Buffer[];
  readonly isFinal: boolean;
  readonly createdAt: Date;
}

const ALIAS_RECORDS = `select r.id, r.alias, r.node, r.public_key as "publicKey", r.seq, extract(epoch from r.signed_at)::int8 as ts,
    r.signature, r.record, r.maintainer_set_id as "setId", s.number, s.min_signers as "minSigners", s.maintainers,
    e.endorsers, e.signatures, cardinality(e.endorsers) >= s.min_signers as "isFinal", r.created_at as "createdAt"
  from ledger.alias_records r
  join ledger.alias_maintainer_sets s on s.tenant_id = r.tenant_id and s.id = r.maintainer_set_id
  cross join lateral (
    select coalesce(array_agg(e.maintainer order by e.maintainer), '{}') as endorsers,
      coalesce(array_agg(e.signature order by e.maintainer), '{}') as signatures
    from ledger.alias_endorsements e
    where e.tenant_id = r.tenant_id and e.alias_record_id = r.id and e.maintainer = any (s.maintainers)) e
  where r.tenant_id = (select ops.tenant())`;

export async function readAliasRecordById(
  tx: Tx,
  id: string,
): Promise<StoredAliasRecord | undefined> {
  const [row] = await query<StoredAliasRecord>(tx, `${ALIAS_RECORDS} and r.id = $1`, [id]);
  return row;
}

/** Records of an alias, the greatest seq first. */
export const readAliasRecords = (
  tx: Tx,
  alias: string,
  filter: { below?: number | undefined; isFinal?: true },
  limit: number,
): Promise<StoredAliasRecord[]> =>
  query(
    tx,
    `${ALIAS_RECORDS} and r.alias = $1 and r.seq < coalesce($2::int8, 9223372036854775807)
       and (not $3 or cardinality(e.endorsers) >= s.min_signers) order by r.seq desc limit $4`,
    [alias, filter.below ?? null, filter.isFinal ?? false, limit],
  );

/** The greatest final seq; undefined before the first. */
export async function readFinalSeq(tx: Tx, alias: string): Promise<number | undefined> {
  const [row] = await query<{ seq: number | null }>(
    tx,
    "select ledger.final_alias_seq((select ops.tenant()), $1) as seq",
    [alias],
  );
  return row!.seq ?? undefined;
}

export async function hasAliasSeq(tx: Tx, alias: string, seq: number): Promise<boolean> {
  const rows = await query(
    tx,
    "select from ledger.alias_records where tenant_id = (select ops.tenant()) and alias = $1 and seq = $2",
    [alias, seq],
  );
  return rows.length > 0;
}

export const insertAliasRecord = (
  tx: Tx,
  tenantId: string,
  record: Pick<
    StoredAliasRecord,
    | "id"
    | "alias"
    | "node"
    | "publicKey"
    | "seq"
    | "ts"
    | "signature"
    | "record"
    | "setId"
    | "createdAt"
  >,
): Promise<unknown> =>
  query(
    tx,
    `insert into ledger.alias_records (tenant_id, id, alias, node, public_key, seq, signature, signed_at, record, maintainer_set_id, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8), $9, $10, $11)`,
    [
      tenantId,
      record.id,
      record.alias,
      record.node,
      record.publicKey,
      record.seq,
      record.signature,
      record.ts,
      record.record,
      record.setId,
      record.createdAt,
    ],
  );

/** False when the key has endorsed it already. */
export const insertAliasEndorsement = (tx: Tx, tenantId: string, one: Endorsement) =>
  insertEndorsement(
    tx,
    `insert into ledger.alias_endorsements (tenant_id, alias_record_id, maintainer, signature, call_id, created_at)
     values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning 1`,
    tenantId,
    one,
  );

export interface StoredAlias {
  readonly alias: string;
  readonly number: number;
  readonly node: Buffer | null;
  readonly seq: number | null;
  readonly ts: number | null;
}

/** Aliases by name, with their current set's number and their last final record. */
export const readAliases = (
  tx: Tx,
  limit: number,
  after: string | undefined,
): Promise<StoredAlias[]> =>
  query(
    tx,
    `select a.alias, a.number, r.node, r.seq, extract(epoch from r.signed_at)::int8 as ts
     from (select alias collate "C" as alias, max(number) as number from ledger.alias_maintainer_sets
       where tenant_id = (select ops.tenant()) and alias collate "C" > coalesce($2, '') group by 1 order by 1 limit $1) a
     left join ledger.alias_records r on r.tenant_id = (select ops.tenant()) and r.alias = a.alias
       and r.seq = ledger.final_alias_seq(r.tenant_id, a.alias) order by 1`,
    [limit, after ?? null],
  );
