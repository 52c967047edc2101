import { query, type Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";

export interface StoredSet {
  readonly name: string;
  readonly tier: string;
  /** Number of the version that decides; null when none does. */
  readonly active: number | null;
  readonly versions: number;
  readonly createdAt: Date;
}

/** The project's sets by name. */
export const readSets = (tx: Tx, limit: number, after: string | undefined): Promise<StoredSet[]> =>
  query(
    tx,
    `select s.name, s.tier, s.created_at as "createdAt", count(v.id)::int as versions,
       max(v.number) filter (where v.status = 'active') as active
     from authz.policy_sets s left join authz.policy_versions v on v.tenant_id = s.tenant_id and v.policy_set_id = s.id
     where s.tenant_id = (select ops.tenant()) and s.name > coalesce($2, '')
     group by s.name, s.tier, s.created_at order by s.name limit $1`,
    [limit, after ?? null],
  );

export type Status = "draft" | "validated" | "active" | "retired";

export interface SetVersion {
  readonly id: string;
  readonly set: string;
  readonly number: number;
  readonly status: Status;
  /** Canonical JSON. */
  readonly document: string;
  /** SHA-256 of the document, hex. */
  readonly hash: string;
  /** As written; null when it came as JSON. */
  readonly source: string | null;
  readonly ownSchema: string | null;
  readonly schemaHash: string | null;
  readonly engine: string;
  readonly cedar: string | null;
  readonly base: number | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly validatedAt: Date | null;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  readonly quarantinedAt: Date | null;
}

const VERSIONS = `select v.id, s.name as set, v.number, v.status, v.document, encode(v.document_hash, 'hex') as hash, v.source,
    v.own_schema as "ownSchema", encode(v.schema_hash, 'hex') as "schemaHash", v.engine, v.cedar, v.base,
    v.created_by as "createdBy", v.created_at as "createdAt", v.validated_at as "validatedAt",
    v.activated_at as "activatedAt", v.retired_at as "retiredAt",
    v.quarantined_at as "quarantinedAt"
  from authz.policy_versions v join authz.policy_sets s on s.tenant_id = v.tenant_id and s.id = v.policy_set_id
  where v.tenant_id = (select ops.tenant()) and s.name = $1`;

export async function readActiveOf(tx: Tx, set: string): Promise<SetVersion | undefined> {
  const [row] = await query<SetVersion>(tx, `${VERSIONS} and v.status = 'active'`, [set]);
  return row;
}

export async function readVersion(
  tx: Tx,
  set: string,
  number: number,
): Promise<SetVersion | undefined> {
  const [row] = await query<SetVersion>(tx, `${VERSIONS} and v.number = $2`, [set, number]);
  return row;
}

/** Newest first. */
export const readVersions = (
  tx: Tx,
  set: string,
  limit: number,
  before: number | undefined,
): Promise<SetVersion[]> =>
  query(tx, `${VERSIONS} and v.number < coalesce($3, 2147483647) order by v.number desc limit $2`, [
    set,
    limit,
    before ?? null,
  ]);

/** Canonical JSON of a schema by its hash in hex; undefined, too, when it is not what was stored. */
export async function readSchema(tx: Tx, hash: string): Promise<string | undefined> {
  const [row] = await query<{ schema: string }>(
    tx,
    `select schema from authz.policy_schemas
     where tenant_id = (select ops.tenant()) and hash = decode($1, 'hex') and sha256(convert_to(schema, 'UTF8')) = hash`,
    [hash],
  );
  return row?.schema;
}

/** The row of a set, locked until the transaction ends: its versions are numbered and activated one by one. */
export async function lockSet(tx: Tx, set: string): Promise<string | undefined> {
  const [row] = await query<{ id: string }>(
    tx,
    "select id from authz.policy_sets where tenant_id = (select ops.tenant()) and name = $1 for update",
    [set],
  );
  return row?.id;
}

/** The same, of a set that is made when there is none. */
export async function makeSet(tx: Tx, tenantId: string, set: string): Promise<string> {
  await query(
    tx,
    "insert into authz.policy_sets (tenant_id, id, name) values ($1, $2, $3) on conflict do nothing",
    [tenantId, newId(), set],
  );
  return (await lockSet(tx, set))!;
}

export const countSets = async (tx: Tx): Promise<number> =>
  (
    await query<{ sets: number }>(
      tx,
      "select count(*)::int as sets from authz.policy_sets where tenant_id = (select ops.tenant())",
    )
  )[0]!.sets;

export interface NewVersion {
  readonly document: string;
  readonly hash: Buffer;
  readonly source: string | null;
  readonly ownSchema: string | null;
  readonly schema: { readonly text: string; readonly hash: Buffer };
  readonly engine: string;
  readonly cedar: string;
  readonly base: number | null;
  readonly createdBy: string;
}

/** Stores a draft, with its schema, as the next version of a locked set. */
export async function insertVersion(
  tx: Tx,
  tenantId: string,
  setId: string,
  version: NewVersion,
): Promise<{ id: string; number: number }> {
  const { document, hash, source, ownSchema, schema, engine, cedar, base, createdBy } = version;
  await query(
    tx,
    "insert into authz.policy_schemas (tenant_id, hash, schema) values ($1, $2, $3) on conflict do nothing",
    [tenantId, schema.hash, schema.text],
  );
  const [row] = await query<{ id: string; number: number }>(
    tx,
    `insert into authz.policy_versions (tenant_id, id, policy_set_id, number, status, document, document_hash, source, own_schema,
       schema_hash, engine, cedar, base, created_by)
     select $1, $3, $2, coalesce(max(number), 0) + 1, 'draft', $4, $5, $6, $7, $8, $9, $10, $11, $12
     from authz.policy_versions where tenant_id = $1 and policy_set_id = $2 returning id, number`,
    [
      tenantId,
      setId,
      newId(),
      document,
      hash,
      source,
      ownSchema,
      schema.hash,
      engine,
      cedar,
      base,
      createdBy,
    ],
  );
  return row!;
}

export const markValidated = (tx: Tx, id: string): Promise<unknown> =>
  query(
    tx,
    `update authz.policy_versions set status = 'validated', validated_at = now()
     where tenant_id = (select ops.tenant()) and id = $1 and status = 'draft'`,
    [id],
  );

/** The set is locked. What decided so far is retired; that this one decides from now on is another row, too, which stays. */
export async function activateVersion(
  tx: Tx,
  tenantId: string,
  setId: string,
  id: string,
): Promise<void> {
  await query(
    tx,
    `update authz.policy_versions set status = 'retired', retired_at = now()
     where tenant_id = (select ops.tenant()) and policy_set_id = $1 and status = 'active'`,
    [setId],
  );
  await query(
    tx,
    `update authz.policy_versions set status = 'active', activated_at = now(), retired_at = null
     where tenant_id = (select ops.tenant()) and id = $1`,
    [id],
  );
  await query(
    tx,
    `insert into authz.policy_activations (tenant_id, policy_set_id, number, id, policy_version_id)
     select $1, $2, coalesce(max(number), 0) + 1, $3, $4 from authz.policy_activations where tenant_id = $1 and policy_set_id = $2`,
    [tenantId, setId, newId(), id],
  );
}

/** Of the version that was active before the one that is, and is not out of use; undefined when there was none. */
export async function readNumberBefore(tx: Tx, setId: string): Promise<number | undefined> {
  const [row] = await query<{ number: number }>(
    tx,
    `select v.number from authz.policy_activations a
     join authz.policy_versions v on v.tenant_id = a.tenant_id and v.id = a.policy_version_id
     where a.tenant_id = (select ops.tenant()) and a.policy_set_id = $1 and v.status <> 'active' and v.quarantined_at is null
     order by a.number desc limit 1`,
    [setId],
  );
  return row?.number;
}
