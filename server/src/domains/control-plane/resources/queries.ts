import { query, type Tx } from "#kernel/db.ts";

export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly externalId: string;
  readonly name: string;
  readonly tier: "T1" | "T2" | "T3" | "T4";
  readonly parent: { readonly type: string; readonly id: string } | null;
  /** By name, in Cedar's JSON form. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const RESOURCE = `select r.id, r.type, r.external_id as "externalId", r.name, r.tier, r.attributes, r.created_at as "createdAt",
    r.updated_at as "updatedAt",
    case when p.id is null then null else jsonb_build_object('type', p.type, 'id', p.external_id) end as parent
  from control_plane.resources r left join control_plane.resources p on p.tenant_id = r.tenant_id and p.id = r.parent_id
  where r.tenant_id = (select ops.tenant())`;

export async function readResource(tx: Tx, id: string): Promise<Resource | undefined> {
  const [row] = await query<Resource>(tx, `${RESOURCE} and r.id = $1`, [id]);
  return row;
}

/** Newest first. */
export const readResources = (
  tx: Tx,
  { limit, before, type }: { limit: number; before: string | undefined; type: string | undefined },
): Promise<Resource[]> =>
  query(
    tx,
    `${RESOURCE} and r.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') and ($3::text is null or r.type = $3)
     order by r.id desc limit $1`,
    [limit, before ?? null, type ?? null],
  );

/** The id of a resource by its name, and the ids of everything that it is in; undefined when there is none. */
export async function readAncestry(
  tx: Tx,
  { type, id }: { readonly type: string; readonly id: string },
): Promise<readonly string[] | undefined> {
  const rows = await query<{ id: string }>(
    tx,
    `with recursive up as (
       select id, parent_id, 0 as depth from control_plane.resources
       where tenant_id = (select ops.tenant()) and type = $1 and external_id = $2
       union all
       select r.id, r.parent_id, up.depth + 1 from control_plane.resources r join up on r.id = up.parent_id
       where r.tenant_id = (select ops.tenant()))
     select id from up order by depth`,
    [type, id],
  );
  return rows.length === 0 ? undefined : rows.map((row) => row.id);
}

/** How many steps lead from a resource down to the lowest below it. */
export async function readHeight(tx: Tx, id: string): Promise<number> {
  const [row] = await query<{ height: number }>(
    tx,
    `with recursive down as (
       select id, 0 as depth from control_plane.resources where tenant_id = (select ops.tenant()) and id = $1
       union all
       select r.id, down.depth + 1 from control_plane.resources r join down on r.parent_id = down.id
       where r.tenant_id = (select ops.tenant()))
     select coalesce(max(depth), 0)::int as height from down`,
    [id],
  );
  return row!.height;
}

/** Trees change one at a time in a project: two moves at once could make a ring. */
export const lockTree = (tx: Tx, tenantId: string): Promise<unknown> =>
  query(tx, "select pg_advisory_xact_lock(hashtextextended('resources ' || $1, 0))", [tenantId]);

/** Makes a resource, or gives the one of this type and id what is said of it now. */
export async function upsertResource(
  tx: Tx,
  tenantId: string,
  resource: {
    id: string;
    type: string;
    externalId: string;
    name: string;
    tier: string;
    parentId: string | null;
    attributes: string;
  },
): Promise<string> {
  const { id, type, externalId, name, tier, parentId, attributes } = resource;
  const [row] = await query<{ id: string }>(
    tx,
    `insert into control_plane.resources (tenant_id, id, type, external_id, name, tier, parent_id, attributes)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (tenant_id, type, external_id) do update set name = excluded.name, tier = excluded.tier,
       parent_id = excluded.parent_id, attributes = excluded.attributes
     returning id`,
    [tenantId, id, type, externalId, name, tier, parentId, attributes],
  );
  return row!.id;
}

export async function hasChildren(tx: Tx, id: string): Promise<boolean> {
  const rows = await query(
    tx,
    "select from control_plane.resources where tenant_id = (select ops.tenant()) and parent_id = $1 limit 1",
    [id],
  );
  return rows.length === 1;
}

export const deleteResource = (tx: Tx, id: string): Promise<unknown> =>
  query(
    tx,
    "delete from control_plane.resources where tenant_id = (select ops.tenant()) and id = $1",
    [id],
  );

export interface StoredEntity {
  readonly uid: { readonly type: string; readonly id: string };
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly parents: readonly { readonly type: string; readonly id: string }[];
}

/** What is known of these is not kept as resources; a row that says otherwise is nobody's. */
const OWN_TYPES = "'Group', 'User', 'ServiceAccount', 'AgentSession'";

/**
 * What is kept of resources, service accounts and people by these names, of the resources that they are in, too. A service
 * account is in its groups, a person in the groups of its roles: that of its membership, and those that hold in the whole project.
 */
export const readEntities = (
  tx: Tx,
  uids: readonly { readonly type: string; readonly id: string }[],
): Promise<StoredEntity[]> =>
  query(
    tx,
    `with recursive asked as (select distinct * from unnest($1::text[], $2::text[]) a(type, id)),
     up as (
       select r.id, r.type, r.external_id, r.parent_id, r.attributes from control_plane.resources r
       join asked a on a.type = r.type and a.id = r.external_id
       where r.tenant_id = (select ops.tenant()) and r.type <> all (array[${OWN_TYPES}])
       union
       select r.id, r.type, r.external_id, r.parent_id, r.attributes from control_plane.resources r
       join up on r.id = up.parent_id where r.tenant_id = (select ops.tenant())),
     roles as (
       select initcap(split_part(b.principal_type, '_', 1)) || initcap(split_part(b.principal_type, '_', 2)) as type,
         b.principal_id as id, b.role
       from control_plane.role_bindings b
       where b.tenant_id = (select ops.tenant()) and b.resource_id is null and (b.expires_at is null or b.expires_at > now())
       union all
       select 'User', m.user_id::text, m.role from control_plane.memberships m
       where m.tenant_id = (select ops.tenant()) and (m.expires_at is null or m.expires_at > now())
       union all
       select 'ServiceAccount', s.id::text, unnest(s.groups) from control_plane.service_accounts s
       where s.tenant_id = (select ops.tenant()) and s.disabled_at is null)
     select jsonb_build_object('type', u.type, 'id', u.external_id) as uid, u.attributes as attrs,
       case when p.id is null then '[]' else jsonb_build_array(jsonb_build_object('type', p.type, 'id', p.external_id)) end as parents
     from up u left join control_plane.resources p on p.tenant_id = (select ops.tenant()) and p.id = u.parent_id
     union all
     select jsonb_build_object('type', a.type, 'id', a.id), '{}', jsonb_agg(distinct jsonb_build_object('type', 'Group', 'id', r.role))
     from asked a join roles r on r.type = a.type and r.id = a.id group by a.type, a.id`,
    [uids.map(({ type }) => type), uids.map(({ id }) => id)],
  );

/** Names of groups that some service account or person of the project is in; those of ended roles, too. */
export async function readGroupNames(tx: Tx): Promise<string[]> {
  const rows = await query<{ name: string }>(
    tx,
    `select unnest(s.groups) as name from control_plane.service_accounts s where s.tenant_id = (select ops.tenant())
     union select m.role from control_plane.memberships m where m.tenant_id = (select ops.tenant())
     union select b.role from control_plane.role_bindings b where b.tenant_id = (select ops.tenant()) and b.resource_id is null
     order by name`,
  );
  return rows.map(({ name }) => name);
}
