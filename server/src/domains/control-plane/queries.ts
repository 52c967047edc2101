import { query, type Tx } from "#kernel/db.ts";
import type { AuthMethod, AuthTier, Revision } from "#pipeline";

/** How whoever uses a key has signed in. */
export interface FoundAuth {
  readonly auth_method: AuthMethod;
  readonly auth_tier: AuthTier;
  readonly step_up_until: Date | null;
}

/** A key with everything that is known about who uses it. */
export interface FoundKey extends FoundAuth {
  readonly tenant_id: string;
  readonly organization_id: string;
  readonly api_key_id: string;
  readonly key_hash: Buffer;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly service_account_id: string;
  readonly service_account_name: string;
  readonly groups: string[];
  readonly disabled_at: Date | null;
  readonly project_name: string;
  readonly score_max: string;
  readonly revision: number;
}

export async function findKey(tx: Tx, prefix: string): Promise<FoundKey | undefined> {
  const [row] = await query<FoundKey>(tx, "select * from control_plane.find_api_key($1)", [prefix]);
  return row;
}

/** Whether nobody has made an organization here yet. */
export async function isNew(tx: Tx): Promise<boolean> {
  const [row] = await query<{ new: boolean }>(tx, "select control_plane.is_new() as new");
  return row!.new;
}

export const revision: Revision = (tenant) =>
  `(select revision from control_plane.projects where id = ${tenant})`;

export async function raiseRevision(tx: Tx, tenantId: string): Promise<number> {
  const [row] = await query<{ revision: number }>(
    tx,
    "select control_plane.raise_revision($1) as revision",
    [tenantId],
  );
  return row!.revision;
}

export async function insertOrganization(
  tx: Tx,
  organization: { id: string; name: string; slug: string },
): Promise<void> {
  const { id, name, slug } = organization;
  await query(tx, "insert into control_plane.organizations (id, name, slug) values ($1, $2, $3)", [
    id,
    name,
    slug,
  ]);
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly scoreMax: string;
  readonly createdAt: Date;
}

const PROJECT = `p.id, p.name, p.slug, p.score_max as "scoreMax", p.created_at as "createdAt"`;

/** False when the organization has a project of this slug. */
export async function insertProject(
  tx: Tx,
  project: { id: string; organizationId: string; name: string; slug: string; scoreMax: number },
): Promise<boolean> {
  const { id, organizationId, name, slug, scoreMax } = project;
  const rows = await query(
    tx,
    `insert into control_plane.projects (id, organization_id, name, slug, score_max) values ($1, $2, $3, $4, $5)
     on conflict (organization_id, slug) do nothing returning id`,
    [id, organizationId, name, slug, scoreMax],
  );
  return rows.length === 1;
}

export const readProjects = (
  tx: Tx,
  limit: number,
  before: string | undefined,
): Promise<Project[]> =>
  query(
    tx,
    `select ${PROJECT} from control_plane.projects p
     where p.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by p.id desc limit $1`,
    [limit, before ?? null],
  );

/** With `lock`, nobody changes it before the transaction ends. */
export async function readProject(tx: Tx, id: string, lock?: "lock"): Promise<Project | undefined> {
  const [row] = await query<Project>(
    tx,
    `select ${PROJECT} from control_plane.projects p where p.id = $1${lock === undefined ? "" : " for update"}`,
    [id],
  );
  return row;
}

export async function updateScoreMax(
  tx: Tx,
  id: string,
  scoreMax: number,
): Promise<Project | undefined> {
  const [row] = await query<Project>(
    tx,
    `update control_plane.projects p set score_max = $2 where p.id = $1 returning ${PROJECT}`,
    [id, scoreMax],
  );
  return row;
}

export interface ServiceAccount {
  readonly id: string;
  readonly name: string;
  readonly groups: string[];
  readonly createdAt: Date;
}

const ACCOUNT = `s.id, s.name, s.groups, s.created_at as "createdAt"`;

/** Undefined when the project has a service account of this name. */
export async function insertServiceAccount(
  tx: Tx,
  tenantId: string,
  account: { id: string; name: string; groups: readonly string[] },
): Promise<ServiceAccount | undefined> {
  const [row] = await query<ServiceAccount>(
    tx,
    `insert into control_plane.service_accounts as s (tenant_id, id, name, groups) values ($1, $2, $3, $4)
     on conflict (tenant_id, name) do nothing returning ${ACCOUNT}`,
    [tenantId, account.id, account.name, account.groups],
  );
  return row;
}

export const readServiceAccounts = (
  tx: Tx,
  limit: number,
  before: string | undefined,
): Promise<ServiceAccount[]> =>
  query(
    tx,
    `select ${ACCOUNT} from control_plane.service_accounts s where s.tenant_id = (select ops.tenant())
       and s.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by s.id desc limit $1`,
    [limit, before ?? null],
  );

export async function isServiceAccount(tx: Tx, id: string): Promise<boolean> {
  const rows = await query(
    tx,
    "select from control_plane.service_accounts where tenant_id = (select ops.tenant()) and id = $1",
    [id],
  );
  return rows.length === 1;
}

export interface ApiKey {
  readonly id: string;
  readonly serviceAccountId: string;
  readonly name: string;
  readonly prefix: string;
  readonly expiresAt: Date | null;
  readonly authMethod: AuthMethod;
  readonly authTier: AuthTier;
  readonly stepUpUntil: Date | null;
  readonly revokedAt: Date | null;
  readonly createdAt: Date;
}

const KEY = `k.id, k.service_account_id as "serviceAccountId", k.name, k.prefix, k.expires_at as "expiresAt",
  k.auth_method as "authMethod", k.auth_tier as "authTier", k.step_up_until as "stepUpUntil",
  k.revoked_at as "revokedAt", k.created_at as "createdAt"`;

/** What a key says of how its user has signed in. */
export interface KeyAuth {
  readonly method: AuthMethod;
  readonly tier: AuthTier;
  /** ISO 8601. */
  readonly stepUpUntil: string | null;
}

export async function insertKey(
  tx: Tx,
  tenantId: string,
  key: {
    id: string;
    serviceAccountId: string;
    name: string;
    prefix: string;
    hash: Buffer;
    createdBy: string;
    expiresAt: string | null;
    auth: KeyAuth;
  },
): Promise<ApiKey> {
  const { id, serviceAccountId, name, prefix, hash, createdBy, expiresAt, auth } = key;
  const [row] = await query<ApiKey>(
    tx,
    `insert into control_plane.api_keys as k (tenant_id, id, service_account_id, name, prefix, key_hash, created_by, expires_at,
       auth_method, auth_tier, step_up_until)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning ${KEY}`,
    [
      tenantId,
      id,
      serviceAccountId,
      name,
      prefix,
      hash,
      createdBy,
      expiresAt,
      auth.method,
      auth.tier,
      auth.stepUpUntil,
    ],
  );
  return row!;
}

export const readKeys = (tx: Tx, limit: number, before: string | undefined): Promise<ApiKey[]> =>
  query(
    tx,
    `select ${KEY} from control_plane.api_keys k where k.tenant_id = (select ops.tenant())
       and k.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by k.id desc limit $1`,
    [limit, before ?? null],
  );

/** Revokes a key now; one that is revoked already keeps its time. */
export async function revokeKey(tx: Tx, id: string): Promise<ApiKey | undefined> {
  const [row] = await query<ApiKey>(
    tx,
    `update control_plane.api_keys k set revoked_at = coalesce(revoked_at, now())
     where k.tenant_id = (select ops.tenant()) and k.id = $1 returning ${KEY}`,
    [id],
  );
  return row;
}

/** A service account with the state of its project, as a caller would be known; undefined when it is gone or disabled. */
export async function readAccount(
  tx: Tx,
  id: string,
): Promise<
  | Omit<FoundKey, "api_key_id" | "key_hash" | "expires_at" | "revoked_at" | keyof FoundAuth>
  | undefined
> {
  const [row] = await query<FoundKey>(
    tx,
    `select p.id as tenant_id, p.organization_id, a.id as service_account_id, a.name as service_account_name, a.groups,
       a.disabled_at, p.name as project_name, p.score_max, p.revision
     from control_plane.service_accounts a join control_plane.projects p on p.id = a.tenant_id
     where a.tenant_id = (select ops.tenant()) and a.id = $1 and a.disabled_at is null`,
    [id],
  );
  return row;
}
