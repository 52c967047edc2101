import { query, type Tx } from "#kernel/db.ts";
import { type Endorsement, insertEndorsement } from "../endorsement.ts";

/** One change of what is in force at a time. */
export const lockPayments = (tx: Tx, tenantId: string): Promise<unknown> =>
  query(tx, "select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 6))", [tenantId]);

export interface StoredPaymentRecord {
  readonly id: string;
  readonly number: number;
  readonly curve: string;
  readonly keysetId: Buffer;
  readonly record: Buffer;
  readonly recordHash: Buffer;
  readonly previousId: string | null;
  readonly endorsers: readonly Buffer[];
  readonly endorsedBy: readonly Buffer[];
  readonly signatures: readonly Buffer[];
  /** By as many as make it hold. */
  readonly isEndorsed: boolean;
  readonly createdAt: Date;
}

const PAYMENT_RECORDS = `select r.id, r.number, k.curve, r.keyset_id as "keysetId", r.record, r.record_hash as "recordHash",
    r.previous_id as "previousId", r.endorsers, e.keys as "endorsedBy", e.signatures,
    ledger.is_quorum(cardinality(e.keys), r.endorsers_total) as "isEndorsed", r.created_at as "createdAt"
  from ledger.payment_registry_records r
  join ledger.voucher_keysets k on k.tenant_id = r.tenant_id and k.id = r.keyset_id
  cross join lateral (
    select coalesce(array_agg(e.endorser order by e.endorser), '{}') as keys,
      coalesce(array_agg(e.signature order by e.endorser), '{}') as signatures
    from ledger.payment_registry_endorsements e
    where e.tenant_id = r.tenant_id and e.record_id = r.id and e.endorser = any (r.endorsers)) e
  where r.tenant_id = (select ops.tenant())`;

export async function readPaymentRecordById(
  tx: Tx,
  id: string,
): Promise<StoredPaymentRecord | undefined> {
  const [row] = await query<StoredPaymentRecord>(tx, `${PAYMENT_RECORDS} and r.id = $1`, [id]);
  return row;
}

/** The greatest number that is endorsed. */
export async function readInForce(tx: Tx): Promise<StoredPaymentRecord | undefined> {
  const [row] = await query<StoredPaymentRecord>(
    tx,
    `${PAYMENT_RECORDS} and ledger.is_quorum(cardinality(e.keys), r.endorsers_total) order by r.number desc limit 1`,
  );
  return row;
}

/** The newest first. */
export const readPaymentRecords = (
  tx: Tx,
  limit: number,
  below: number | undefined,
): Promise<StoredPaymentRecord[]> =>
  query(
    tx,
    `${PAYMENT_RECORDS} and r.number < coalesce($2::int8, 9223372036854775807) order by r.number desc limit $1`,
    [limit, below ?? null],
  );

/** How many were published. */
export async function readLastPaymentNumber(tx: Tx): Promise<number> {
  const [row] = await query<{ number: number }>(
    tx,
    "select coalesce(max(number), 0) as number from ledger.payment_registry_records where tenant_id = (select ops.tenant())",
  );
  return row!.number;
}

export const insertPaymentRecord = (
  tx: Tx,
  tenantId: string,
  record: Pick<
    StoredPaymentRecord,
    | "id"
    | "number"
    | "keysetId"
    | "record"
    | "recordHash"
    | "previousId"
    | "endorsers"
    | "createdAt"
  >,
): Promise<unknown> =>
  query(
    tx,
    `insert into ledger.payment_registry_records
       (tenant_id, id, number, keyset_id, record, record_hash, previous_id, endorsers, endorsers_total, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      tenantId,
      record.id,
      record.number,
      record.keysetId,
      record.record,
      record.recordHash,
      record.previousId,
      record.endorsers,
      record.endorsers.length,
      record.createdAt,
    ],
  );

export interface StoredKeyset {
  readonly id: Buffer;
  readonly curve: string;
  readonly publicKeys: readonly Buffer[];
  readonly status: "announced" | "active" | "retired";
  readonly validFrom: Date;
  readonly validTo: Date | null;
  readonly createdAt: Date;
}

const KEYSET = `k.id, k.curve, k.public_keys as "publicKeys", k.status, k.valid_from as "validFrom", k.valid_to as "validTo",
  k.created_at as "createdAt"`;

export async function readKeyset(tx: Tx, id: Uint8Array): Promise<StoredKeyset | undefined> {
  const [row] = await query<StoredKeyset>(
    tx,
    `select ${KEYSET} from ledger.voucher_keysets k where k.tenant_id = (select ops.tenant()) and k.id = $1`,
    [id],
  );
  return row;
}

/** By id. */
export const readKeysets = (
  tx: Tx,
  limit: number,
  after: Uint8Array | undefined,
): Promise<StoredKeyset[]> =>
  query(
    tx,
    `select ${KEYSET} from ledger.voucher_keysets k where k.tenant_id = (select ops.tenant())
       and k.id > coalesce($2::bytea, '') order by k.id limit $1`,
    [limit, after ?? null],
  );

/** Undefined when it is there already. */
export async function insertKeyset(
  tx: Tx,
  tenantId: string,
  keyset: Omit<StoredKeyset, "status"> & { callId: string },
): Promise<StoredKeyset | undefined> {
  const [row] = await query<StoredKeyset>(
    tx,
    `insert into ledger.voucher_keysets as k (tenant_id, id, curve, public_keys, valid_from, valid_to, call_id, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning ${KEYSET}`,
    [
      tenantId,
      keyset.id,
      keyset.curve,
      keyset.publicKeys,
      keyset.validFrom,
      keyset.validTo,
      keyset.callId,
      keyset.createdAt,
    ],
  );
  return row;
}

const STEPS = {
  active: "status = 'active', activated_by = $2",
  retired: "status = 'retired', retired_by = $2",
} as const;

/** Undefined when it is not in one of the states that it may come from. */
export async function moveKeyset(
  tx: Tx,
  id: Uint8Array,
  { from, to, callId }: { from: readonly string[]; to: keyof typeof STEPS; callId: string },
): Promise<StoredKeyset | undefined> {
  const [row] = await query<StoredKeyset>(
    tx,
    `update ledger.voucher_keysets k set ${STEPS[to]} where k.tenant_id = (select ops.tenant()) and k.id = $1
       and k.status = any ($3) returning ${KEYSET}`,
    [id, callId, from],
  );
  return row;
}

/** False when the key has endorsed it already. */
export const insertPaymentEndorsement = (tx: Tx, tenantId: string, one: Endorsement) =>
  insertEndorsement(
    tx,
    `insert into ledger.payment_registry_endorsements (tenant_id, record_id, endorser, signature, call_id, created_at)
     values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning 1`,
    tenantId,
    one,
  );
