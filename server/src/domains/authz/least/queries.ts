import { query, type Tx } from "#kernel/db.ts";
import type { Range, Usage } from "./usage.ts";

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

const ALLOWED = `allowed as materialized (
    select d.id, d.action, d.resource_type, d.principal, d.context, d.reasons, d.created_at
    from authz.policy_decisions d
    where d.tenant_id = (select ops.tenant()) and d.policy_version_id = $1 and d.outcome = 'allow' and ($5::boolean is false or d.asked_by is null)
      and d.created_at >= $2 and d.created_at < $3
      and d.id >= ops.uuid_floor($2::timestamptz) and d.id < ops.uuid_floor($3::timestamptz + interval '1 minute')
    order by d.id desc limit $4),
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
