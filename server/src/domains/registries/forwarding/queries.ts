import { query, type Tx } from "#kernel/db.ts";

/** One record of a relay at a time. */
export const lockRelay = (tx: Tx, tenantId: string, relay: Uint8Array): Promise<unknown> =>
  query(tx, "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2, 7))", [
    tenantId,
    Buffer.from(relay).toString("hex"),
  ]);

export interface StoredForwarding {
  readonly id: string;
  readonly relay: Buffer;
  readonly peer: Buffer | null;
  readonly start: Date;
  readonly end: Date;
  readonly bytes: number;
  readonly units: number;
  readonly keysetId: Buffer | null;
  readonly publicKey: Buffer;
  readonly record: Buffer;
  readonly signature: Buffer;
  readonly createdAt: Date;
}

const FORWARDING = `f.id, f.relay, f.peer, f.period_start as start, f.period_end as "end", f.forwarded_bytes as bytes,
  f.charged_units as units, f.keyset_id as "keysetId", f.public_key as "publicKey", f.record, f.signature, f.created_at as "createdAt"
  from ledger.forwarding_accounting f where f.tenant_id = (select ops.tenant())`;

/** Whether the relay has a record for this peer that shares a moment with the period. */
export async function overlaps(
  tx: Tx,
  { relay, peer, start, end }: Pick<StoredForwarding, "relay" | "peer" | "start" | "end">,
): Promise<boolean> {
  const rows = await query(
    tx,
    `select from ledger.forwarding_accounting f where f.tenant_id = (select ops.tenant()) and f.relay = $1
       and f.peer is not distinct from $2 and f.period_start < $4 and f.period_end > $3 limit 1`,
    [relay, peer, start, end],
  );
  return rows.length > 0;
}

export const insertForwarding = (
  tx: Tx,
  tenantId: string,
  one: StoredForwarding,
): Promise<unknown> =>
  query(
    tx,
    `insert into ledger.forwarding_accounting (tenant_id, id, relay, peer, period_start, period_end, forwarded_bytes, charged_units,
       keyset_id, public_key, record, signature, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      tenantId,
      one.id,
      one.relay,
      one.peer,
      one.start,
      one.end,
      one.bytes,
      one.units,
      one.keysetId,
      one.publicKey,
      one.record,
      one.signature,
      one.createdAt,
    ],
  );

/** What is asked for; times are those at which periods begin. */
export interface Accounted {
  readonly relay?: Uint8Array | undefined;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

const ACCOUNTED = `($1::bytea is null or f.relay = $1) and f.period_start >= coalesce($2::timestamptz, '-infinity')
  and f.period_start < coalesce($3::timestamptz, 'infinity')`;
const accounted = ({ relay, from, until }: Accounted) => [
  relay ?? null,
  from ?? null,
  until ?? null,
];

/** The newest first. */
export const readForwarding = (
  tx: Tx,
  filter: Accounted,
  limit: number,
  before: string | undefined,
): Promise<StoredForwarding[]> =>
  query(
    tx,
    `select ${FORWARDING} and ${ACCOUNTED} and f.id < coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by f.id desc limit $4`,
    [...accounted(filter), limit, before ?? null],
  );

export interface Sum {
  readonly relay: Buffer;
  readonly period: Date;
  readonly records: number;
  /** Decimal, since sums outgrow what a double counts exactly. */
  readonly bytes: string;
  readonly units: string;
}

/** Sums of a relay's records by the UTC day or month in which their periods begin, by relay and time. */
export const readSums = (
  tx: Tx,
  filter: Accounted & { by: "day" | "month"; isForPeers: boolean },
  limit: number,
  after: { relay: Uint8Array; period: string } | undefined,
): Promise<Sum[]> =>
  query(
    tx,
    `select * from (
       select f.relay, date_trunc($4, f.period_start, 'UTC') as period, count(*) as records,
         sum(f.forwarded_bytes)::text as bytes, sum(f.charged_units)::text as units
       from ledger.forwarding_accounting f
       where f.tenant_id = (select ops.tenant()) and ${ACCOUNTED} and (f.peer is not null) = $8 group by 1, 2) s
     where $6::bytea is null or (s.relay, s.period) > ($6::bytea, $7::timestamptz) order by s.relay, s.period limit $5`,
    [
      ...accounted(filter),
      filter.by,
      limit,
      after?.relay ?? null,
      after?.period ?? null,
      filter.isForPeers,
    ],
  );
