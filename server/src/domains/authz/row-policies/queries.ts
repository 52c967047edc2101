import { query, type Tx } from "#kernel/db.ts";
import type { Found } from "./deployed.ts";
import type { Command } from "./statements.ts";

export interface StoredRowPolicy {
  readonly id: string;
  readonly policyVersionId: string;
  readonly set: string;
  readonly action: string;
  readonly resourceType: string;
  readonly tableSchema: string;
  readonly tableName: string;
  readonly command: Command;
  readonly roles: string[];
  readonly policyName: string;
  readonly functionName: string;
  /** SHA-256, hex. */
  readonly bodyHash: string;
  readonly watched: boolean;
  readonly createdBy: string;
  readonly createdAt: Date;
  /** Another version of the set decides now. */
  readonly outdated: boolean;
}

export interface NewRowPolicy extends Omit<StoredRowPolicy, "outdated" | "bodyHash" | "createdAt"> {
  readonly body: string;
  readonly createdAt: string;
}

export const insertRowPolicy = (tx: Tx, tenantId: string, row: NewRowPolicy): Promise<unknown> =>
  query(
    tx,
    `insert into authz.row_policies (tenant_id, id, policy_version_id, set, action, resource_type, table_schema, table_name, command,
       roles, policy_name, function_name, body, body_hash, watched, created_by, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, sha256(convert_to($13, 'UTF8')), $14, $15, $16)`,
    [
      tenantId,
      row.id,
      row.policyVersionId,
      row.set,
      row.action,
      row.resourceType,
      row.tableSchema,
      row.tableName,
      row.command,
      row.roles,
      row.policyName,
      row.functionName,
      row.body,
      row.watched,
      row.createdBy,
      row.createdAt,
    ],
  );

/** Of each name the last one, newest first. */
export const readRowPolicies = (
  tx: Tx,
  { limit, before, watched }: { limit: number; before?: string | undefined; watched?: true },
): Promise<StoredRowPolicy[]> =>
  query(
    tx,
    `select p.id, p.policy_version_id as "policyVersionId", p.set, p.action, p.resource_type as "resourceType",
       p.table_schema as "tableSchema", p.table_name as "tableName", p.command, p.roles, p.policy_name as "policyName",
       p.function_name as "functionName", encode(sha256(convert_to(p.body, 'UTF8')), 'hex') as "bodyHash", p.watched,
       p.created_by as "createdBy", p.created_at as "createdAt", coalesce(v.status <> 'active', true) as outdated
     from authz.row_policies p left join authz.policy_versions v on v.tenant_id = p.tenant_id and v.id = p.policy_version_id
     where p.tenant_id = (select ops.tenant()) and p.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       and (not $3 or p.watched)
       and not exists (select from authz.row_policies later where later.tenant_id = p.tenant_id
         and later.policy_name = p.policy_name and later.id > p.id)
     order by p.id desc limit $1`,
    [limit, before ?? null, watched ?? false],
  );

/**
 * What the catalog of this database says of row policies, in the order of the questions. Who asks knows the names, which hold
 * a hash of their project; so nothing is told of anybody else's tables.
 */
export const readDeployed = (
  tx: Tx,
  asked: readonly Pick<
    StoredRowPolicy,
    "tableSchema" | "tableName" | "policyName" | "functionName"
  >[],
): Promise<(Found | { readonly policy: null })[]> =>
  query(
    tx,
    `select p.polname as policy, f.proname as function, encode(sha256(convert_to(f.prosrc, 'UTF8')), 'hex') as "bodyHash",
       p.polpermissive as permissive,
       case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as command,
       array(select coalesce(r.rolname, 'public') from unnest(p.polroles) as o(oid) left join pg_roles r on r.oid = o.oid
         order by 1)::text[] as roles,
       pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as checked,
       array[quote_ident(a.schema) || '.' || quote_ident(a.function) || '(' || quote_ident(a.name) || '.*)',
         quote_ident(a.function) || '(' || quote_ident(a.name) || '.*)'] as calls,
       coalesce(f.provolatile = 's' and not f.prosecdef and f.proconfig is null and l.lanname = 'sql' and f.prorettype = 'bool'::regtype, false) as plain,
       t.relrowsecurity as enabled, t.relforcerowsecurity as forced,
       array(select o.polname from pg_policy o where o.polrelid = t.oid and o.oid <> p.oid and o.polpermissive
         and o.polcmd in (p.polcmd, '*') and not exists (select from authz.row_policies own
           where own.tenant_id = (select ops.tenant()) and own.policy_name = o.polname) order by 1)::text[] as others
     from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as a(schema, name, policy, function, place)
     left join pg_namespace n on n.nspname = a.schema
     left join pg_class t on t.relnamespace = n.oid and t.relname = a.name
     left join pg_policy p on p.polrelid = t.oid and p.polname = a.policy
     left join pg_proc f on f.pronamespace = n.oid and f.proname = a.function and f.pronargs = 1 and f.proargtypes[0] = t.reltype
       and exists (select from pg_depend d where d.classid = 'pg_policy'::regclass and d.objid = p.oid
         and d.refclassid = 'pg_proc'::regclass and d.refobjid = f.oid)
     left join pg_language l on l.oid = f.prolang
     order by a.place`,
    [
      asked.map(({ tableSchema }) => tableSchema),
      asked.map(({ tableName }) => tableName),
      asked.map(({ policyName }) => policyName),
      asked.map(({ functionName }) => functionName),
    ],
  );
