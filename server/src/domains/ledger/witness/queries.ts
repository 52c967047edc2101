import { query, type Tx } from "#kernel/db.ts";
import type { Checkpoint } from "../queries.ts";

export interface Cosignature {
  readonly size: number;
  /** `name+hash` of the witness's key. */
  readonly key: string;
  /** The note's signature line, with its end. */
  readonly line: string;
}

/** Keeps what a witness said; the first of two cosignatures of one size stays. */
export async function insertCosignature(
  tx: Tx,
  tenantId: string,
  { size, key, line }: Cosignature,
): Promise<void> {
  await query(
    tx,
    `insert into ledger.cosignatures (tenant_id, size, key, line) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [tenantId, size, key, line],
  );
}

export const readCosignatures = (tx: Tx, sizes: readonly number[]): Promise<Cosignature[]> =>
  query(
    tx,
    `select size, key, line from ledger.cosignatures
     where tenant_id = (select ops.tenant()) and size = any($1::int8[]) order by size, key`,
    [sizes],
  );

/** The largest size that a witness is known to have cosigned. */
export async function readCosignedSize(tx: Tx, key: string): Promise<number> {
  const [row] = await query<{ size: number }>(
    tx,
    `select size from ledger.cosignatures where tenant_id = (select ops.tenant()) and key = $1
     order by size desc limit 1`,
    [key],
  );
  return row?.size ?? 0;
}

/** Says that a checkpoint has its quorum, and wakes those who follow the log, unless it was said of it or a larger one; false then. */
export async function insertWitnessed(tx: Tx, tenantId: string, size: number): Promise<boolean> {
  const stored = await query(
    tx,
    `insert into ledger.witnessed (tenant_id, size) select $1, $2
     where not exists (select from ledger.witnessed where tenant_id = $1 and size >= $2)
     on conflict do nothing returning size, pg_notify('sealbase_log', tenant_id::text)`,
    [tenantId, size],
  );
  return stored.length === 1;
}

/** The newest checkpoint that has its quorum. */
export async function readNewestWitnessed(tx: Tx): Promise<Checkpoint | undefined> {
  const [row] = await query<Checkpoint>(
    tx,
    `select c.size, c.root, c.note, c.created_at as "createdAt"
     from ledger.witnessed w join ledger.checkpoints c on c.tenant_id = w.tenant_id and c.size = w.size
     where w.tenant_id = (select ops.tenant()) order by w.size desc limit 1`,
  );
  return row;
}

export async function readNewestWitnessedSize(tx: Tx): Promise<number | undefined> {
  const [row] = await query<{ size: number }>(
    tx,
    "select size from ledger.witnessed where tenant_id = (select ops.tenant()) order by size desc limit 1",
  );
  return row?.size;
}

/** Those of these sizes that have their quorum. */
export const readWitnessedOf = async (tx: Tx, sizes: readonly number[]): Promise<number[]> =>
  (
    await query<{ size: number }>(
      tx,
      "select size from ledger.witnessed where tenant_id = (select ops.tenant()) and size = any($1::int8[])",
      [sizes],
    )
  ).map(({ size }) => size);

export const readUnwitnessedLogs = async (tx: Tx): Promise<string[]> =>
  (await query<{ id: string }>(tx, "select ledger.logs_unwitnessed() as id")).map(({ id }) => id);
