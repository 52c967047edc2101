import { query, type Tx } from "#kernel/db.ts";
import type { Revision } from "#pipeline";

/** The project's revision now. */
export async function readRevision(tx: Tx, tenantId: string, revision: Revision): Promise<number> {
  const [row] = await query<{ revision: number | null }>(
    tx,
    `select ${revision("$1")} as revision`,
    [tenantId],
  );
  return row!.revision ?? Number.POSITIVE_INFINITY;
}

/** Ids of all versions of a set: decisions name the one that made them. */
export async function readVersionIds(tx: Tx, set: string): Promise<string[]> {
  const rows = await query<{ id: string }>(
    tx,
    `select v.id from authz.policy_versions v join authz.policy_sets s on s.tenant_id = v.tenant_id and s.id = v.policy_set_id
     where v.tenant_id = (select ops.tenant()) and s.name = $1`,
    [set],
  );
  return rows.map(({ id }) => id);
}

export interface StoredPreview {
  /** That of the call. */
  readonly id: string;
  readonly policyVersionId: string;
  /** SHA-256 of the previewed version's document, hex. */
  readonly versionHash: string;
  /** Number of the version that was active when it began; null when none was. */
  readonly base: number | null;
  /** Canonical JSON. */
  readonly report: string;
  /** SHA-256 of the report, hex. */
  readonly reportHash: string;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export async function storePreview(
  tx: Tx,
  tenantId: string,
  preview: Omit<StoredPreview, "createdAt"> & { readonly createdAt: string },
): Promise<void> {
  const { id, policyVersionId, versionHash, base, report, reportHash, createdBy, createdAt } =
    preview;
  await query(
    tx,
    `insert into authz.policy_previews (tenant_id, id, policy_version_id, version_hash, base, report, report_hash, created_by, created_at)
     values ($1, $2, $3, decode($4, 'hex'), $5, $6, decode($7, 'hex'), $8, $9)`,
    [tenantId, id, policyVersionId, versionHash, base, report, reportHash, createdBy, createdAt],
  );
}

const PREVIEW = `p.id, p.policy_version_id as "policyVersionId", encode(p.version_hash, 'hex') as "versionHash", p.base, p.report,
  encode(p.report_hash, 'hex') as "reportHash", p.created_by as "createdBy", p.created_at as "createdAt"`;

/** The newest one of a version whose report is what was stored. */
export async function readNewestPreview(
  tx: Tx,
  policyVersionId: string,
): Promise<StoredPreview | undefined> {
  const [row] = await query<StoredPreview>(
    tx,
    `select ${PREVIEW} from authz.policy_previews p
     where p.tenant_id = (select ops.tenant()) and p.policy_version_id = $1 and sha256(convert_to(p.report, 'UTF8')) = p.report_hash
     order by p.id desc limit 1`,
    [policyVersionId],
  );
  return row;
}

export async function readPreview(
  tx: Tx,
  set: string,
  id: string,
): Promise<(StoredPreview & { readonly number: number }) | undefined> {
  const [row] = await query<StoredPreview & { number: number }>(
    tx,
    `select ${PREVIEW}, v.number from authz.policy_previews p
       join authz.policy_versions v on v.tenant_id = p.tenant_id and v.id = p.policy_version_id
       join authz.policy_sets s on s.tenant_id = v.tenant_id and s.id = v.policy_set_id
     where p.tenant_id = (select ops.tenant()) and p.id = $2 and s.name = $1`,
    [set, id],
  );
  return row;
}
