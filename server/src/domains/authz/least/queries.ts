import { query, type Tx } from "#kernel/db.ts";
import type { Range, Usage } from "./usage.ts";
import type { Crowd, Side, Standing } from "./within.ts";

export interface Window {
  readonly versionId: string;
  /** Calls alone: what somebody asked about others is no use of their rights. */
  readonly callsOnly: boolean;
  /** ISO 8601; the first counts, the second does not. */
  readonly since: string;
  readonly until: string;
}

/** The newest so many decisions of a window are looked at. */
export const DECISIONS_MAX = 200_000;
/** More different texts than these are no list that somebody meant. */
const STRINGS_MAX = 8;
/** Characters of the groups or parents of one subject; somebody in more counts as in none. */
const LIST_CHARACTERS_MAX = 4_096;
/** Of all different lists of one usage, which is not bound when it has more: whoever asks says what groups there are. */
const LISTS_CHARACTERS_MAX = 1_048_576;

/** Decisions of the window by the version: `$1` version, `$2` since, `$3` until, `$4` how many, `$5` calls only. */
const decisions = (outcomes: string): string => `
    select d.id, d.action, d.resource_type, d.resource_id, d.principal, d.context, d.outcome, d.reasons, d.entity_slice_hash, d.created_at
    from authz.policy_decisions d
    where d.tenant_id = (select ops.tenant()) and d.policy_version_id = $1 and d.outcome in (${outcomes}) and ($5::boolean is false or d.asked_by is null)
      and d.created_at >= $2 and d.created_at < $3
      and d.id >= ops.uuid_floor($2::timestamptz) and d.id < ops.uuid_floor($3::timestamptz + interval '1 minute')
    order by d.id desc limit $4`;

const ALLOWED = `allowed as materialized (${decisions("'allow'")}),
  by_policy as (select a.*, p.policy from allowed a, unnest(a.reasons) p(policy))`;

export const readUsage = (
  tx: Tx,
  { versionId, since, until, callsOnly }: Window,
): Promise<Usage[]> =>
  query(
    tx,
    `with ${ALLOWED}
     select policy, action, resource_type as "resourceType", count(*)::int as decisions,
       count(distinct principal)::int as principals,
       to_char(min(created_at) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as first,
       to_char(max(created_at) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as last
     from by_policy group by 1, 2, 3 order by 1, 2, 3`,
    [versionId, since, until, DECISIONS_MAX, callsOnly],
  );

/** Bounds of numbers and lists of texts, where every decision of a usage had one of the kind. */
export const readRanges = (
  tx: Tx,
  { versionId, since, until, callsOnly }: Window,
): Promise<Range[]> =>
  query(
    tx,
    `with ${ALLOWED},
     found as (
       select b.policy, b.action, b.resource_type, f.name, jsonb_typeof(f.value) as kind, f.value
       from by_policy b, jsonb_each(b.context::jsonb) f(name, value)),
     grouped as (
       select policy, action, resource_type, name, min(kind) as kind, count(*)::int as decisions,
         min((value #>> '{}')::numeric) filter (where kind = 'number') as lowest,
         max((value #>> '{}')::numeric) filter (where kind = 'number') as highest,
         count(distinct value) as different,
         (array_agg(distinct value #>> '{}' order by value #>> '{}') filter (where kind = 'string'))[1:${STRINGS_MAX}] as texts
       from found group by 1, 2, 3, 4 having count(distinct kind) = 1)
     select policy, action, resource_type as "resourceType", name, decisions,
       case kind when 'number' then jsonb_build_object('kind', 'long', 'min', lowest, 'max', highest)
         else jsonb_build_object('kind', 'string', 'values', to_jsonb(texts)) end as values
     from grouped where kind = 'number' or (kind = 'string' and different <= ${STRINGS_MAX}) order by 1, 2, 3, 4`,
    [versionId, since, until, DECISIONS_MAX, callsOnly],
  );

/** Whose groups, or which resources' parents, are looked at, as the slice of a decision knows them. */
const SUBJECTS: Record<Side, { subject: string; own: string; groups: string }> = {
  principal: {
    subject: "a.principal",
    own: "jsonb_build_object('type', s.slice #> '{principal,type}', 'id', s.slice #> '{principal,id}')",
    groups: "$.principal.groups[*]",
  },
  resource: {
    subject: "jsonb_build_array(a.resource_type, a.resource_id)::text",
    own: "jsonb_build_object('type', a.resource_type, 'id', a.resource_id)",
    groups: "$.none[*]",
  },
};

/** In which groups or parents those of each usage stood when it was decided, and how many of the window, also the denied, in each. */
export async function readStandings(
  tx: Tx,
  { versionId, since, until, callsOnly }: Window,
  side: Side,
): Promise<{ standings: Standing[]; crowds: Crowd[] }> {
  const { subject, own, groups } = SUBJECTS[side];
  const rows = await query<Omit<Standing, "side" | "policy"> & { policy: string | null }>(
    tx,
    `with decided as materialized (${decisions("'allow', 'deny'")}),
     slices as materialized (
       select s.hash, s.slice::jsonb as slice from authz.entity_slices s
       where s.tenant_id = (select ops.tenant()) and s.hash in (select entity_slice_hash from decided)
         and pg_input_is_valid(s.slice, 'jsonb')),
     listed as (
       select a.action, a.resource_type, a.reasons, a.outcome, ${subject} as subject, array(
         select jsonb_build_array('Group', g)::text from jsonb_path_query(s.slice, '${groups} ? (@.type() == "string")') g
         union
         select jsonb_build_array(p -> 'type', p -> 'id')::text
         from jsonb_path_query(s.slice, '$.entities[*]') e,
           jsonb_path_query(e, '$.parents[*] ? (@.type.type() == "string" && @.id.type() == "string")') p
         where e -> 'uid' = ${own} order by 1) as within
       from decided a left join slices s on s.hash = a.entity_slice_hash),
     stood as materialized (
       select action, resource_type, reasons, outcome, subject,
         case when length(within::text) <= ${LIST_CHARACTERS_MAX} then within else '{}' end as within
       from listed),
     used as (
       select p.policy, o.action, o.resource_type, o.within, count(distinct o.subject)::int as members
       from stood o, unnest(o.reasons) p(policy) where o.outcome = 'allow' group by 1, 2, 3, 4),
     bounded as materialized (
       select u.*, sum(length(u.within::text)) over (partition by policy, action, resource_type) <= ${LISTS_CHARACTERS_MAX} as fits
       from used u)
     select policy, action, resource_type as "resourceType", within, members from bounded where fits
     union all
     select policy, action, resource_type, '{}', sum(members)::int from bounded where not fits group by 1, 2, 3
     union all
     select null, '', '', array[w.within], count(distinct o.subject)::int from stood o, unnest(o.within) w(within)
     where w.within in (select unnest(b.within) from bounded b where b.fits) group by 4
     order by 1, 2, 3, 4`,
    [versionId, since, until, DECISIONS_MAX, callsOnly],
  );
  return {
    standings: rows.flatMap(({ policy, ...row }) =>
      policy === null ? [] : [{ ...row, policy, side }],
    ),
    crowds: rows.flatMap(({ policy, within, members }) =>
      policy === null ? [{ side, within: within[0]!, members }] : [],
    ),
  };
}

export interface StoredProposal {
  readonly id: string;
  readonly set: string;
  /** Number of the version whose use was looked at. */
  readonly base: number;
  readonly since: Date;
  readonly until: Date;
  /** Canonical JSON. */
  readonly document: string;
  readonly evidence: string;
  /** SMT-LIB; null when there is none. */
  readonly smt: string | null;
  readonly verdict: "proven" | "refuted" | "not_proven";
  /** Why nothing was proven; null when something was. */
  readonly reason: string | null;
  readonly replayed: number;
  readonly newlyDenied: number;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export async function insertProposal(
  tx: Tx,
  tenantId: string,
  proposal: Omit<StoredProposal, "set" | "base" | "since" | "until" | "createdAt"> &
    Omit<Window, "callsOnly"> & { readonly createdAt: string },
): Promise<void> {
  const { id, versionId, since, until, document, evidence, smt, verdict, reason } = proposal;
  const { replayed, newlyDenied, createdBy, createdAt } = proposal;
  await query(
    tx,
    `insert into authz.policy_proposals (tenant_id, id, policy_version_id, since, until, document, evidence, smt, verdict, reason,
       replayed, newly_denied, created_by, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      tenantId,
      id,
      versionId,
      since,
      until,
      document,
      evidence,
      smt,
      verdict,
      reason,
      replayed,
      newlyDenied,
      createdBy,
      createdAt,
    ],
  );
}

const PROPOSALS = `select p.id, s.name as set, v.number as base, p.since, p.until, p.document, p.evidence, p.smt, p.verdict, p.reason,
    p.replayed, p.newly_denied as "newlyDenied", p.created_by as "createdBy", p.created_at as "createdAt"
  from authz.policy_proposals p
  join authz.policy_versions v on v.tenant_id = p.tenant_id and v.id = p.policy_version_id
  join authz.policy_sets s on s.tenant_id = v.tenant_id and s.id = v.policy_set_id
  where p.tenant_id = (select ops.tenant())`;

export async function readProposal(
  tx: Tx,
  set: string,
  id: string,
): Promise<StoredProposal | undefined> {
  const [row] = await query<StoredProposal>(tx, `${PROPOSALS} and s.name = $1 and p.id = $2`, [
    set,
    id,
  ]);
  return row;
}

/** Newest first. */
export const readProposals = (
  tx: Tx,
  set: string,
  limit: number,
  before: string | undefined,
): Promise<StoredProposal[]> =>
  query(
    tx,
    `${PROPOSALS} and s.name = $1 and p.id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by p.id desc limit $2`,
    [set, limit, before ?? null],
  );
