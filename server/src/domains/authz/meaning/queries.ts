import { query, type Tx } from "#kernel/db.ts";
import { COHORT, SLICES } from "../drift/queries.ts";
import { DEFAULT_SET } from "../sets/versions.ts";
import { type Choosable, OF_CELL_MAX } from "./sample.ts";

/** A set in which a version was activated on a day, and what decided some days before. */
export interface Moved {
  readonly set: string;
  /** Numbers of the version that decided at the beginning of the window, and of the one at the end of the day. */
  readonly before: number;
  readonly after: number;
  /** The first day of the window on which another version was activated. */
  readonly since: string;
}

/** Sets that did not say at the end of a day (UTC) what they had said so many days before, when something was activated on that day. By name, the platform's own policies first: the others may be many. */
export const readMoved = (tx: Tx, day: string, days: number): Promise<Moved[]> =>
  query(
    tx,
    `with bounds as (
       select ops.uuid_floor(($1::date + 1 - $2::int)::timestamp at time zone 'utc') as start,
         ops.uuid_floor($1::date::timestamp at time zone 'utc') as today,
         ops.uuid_floor(($1::date + 1)::timestamp at time zone 'utc') as finish),
     known as (
       select a.policy_set_id, a.number as place, a.id, v.number, v.document_hash, v.schema_hash
       from authz.policy_activations a join authz.policy_versions v on v.tenant_id = a.tenant_id and v.id = a.policy_version_id
       where a.tenant_id = (select ops.tenant()))
     select s.name as set, was.number as before, now.number as after, first.day::text as since
     from authz.policy_sets s cross join bounds b
       join lateral (select * from known k where k.policy_set_id = s.id and k.id < b.start order by k.place desc limit 1) was on true
       join lateral (select * from known k where k.policy_set_id = s.id and k.id < b.finish order by k.place desc limit 1) now on true
       join lateral (
         select (timestamptz 'epoch' + ('x' || translate(left(k.id::text, 13), '-', ''))::bit(48)::bigint * interval '1 millisecond') at time zone 'utc' as day
         from known k where k.policy_set_id = s.id and k.place > was.place order by k.place limit 1) first_time on true
       cross join lateral (select first_time.day::date as day) first
     where s.tenant_id = (select ops.tenant()) and now.id >= b.today
       and (was.document_hash, was.schema_hash) is distinct from (now.document_hash, now.schema_hash)
     order by s.name <> $3, s.name`,
    [day, days, DEFAULT_SET],
  );

/** Sets of which a day's finding was told already. */
export async function readToldSets(tx: Tx, day: string): Promise<string[]> {
  const rows = await query<{ set: string }>(
    tx,
    `select f.policy_set as set from authz.drift_findings f
     where f.tenant_id = (select ops.tenant()) and f.day = $1::date and f.kind = 'meaning_changed'`,
    [day],
  );
  return rows.map(({ set }) => set);
}

/** Decisions that one page looks at. */
export const PAGE = 20_000;

export interface ChoosablePage {
  readonly rows: readonly Choosable[];
  /** Decisions that were looked at, those of other sets, too, and the oldest of them; null when there was none. */
  readonly decisions: number;
  readonly last: string | null;
}

/** Of the newest decisions between two ids what the sample may choose: those that one of these versions made, of each cell few. */
export async function readChoosable(
  tx: Tx,
  { from, before, versions }: { from: string; before: string; versions: readonly string[] },
): Promise<ChoosablePage> {
  const rows = await query<Choosable & { decisions: number; last: string | null }>(
    tx,
    `with seen as materialized (
       select d.id, d.principal, d.action, d.resource_type, d.entity_slice_hash, d.policy_version_id = any($3::uuid[]) as ours,
         sha256(d.entity_slice_hash || convert_to(
           jsonb_build_array(d.action, d.resource_type, d.resource_id, d.asked_by is null, d.context)::text, 'UTF8')) as question
       from authz.policy_decisions d where d.tenant_id = (select ops.tenant()) and d.id >= $1 and d.id < $2
       order by d.id desc limit ${PAGE}),
     page as materialized (select * from seen where ours),
     ${SLICES},
     celled as (select id, question, action, resource_type, ${COHORT} as cohort from told),
     different as (select distinct on (cohort, action, resource_type, question) * from celled
       order by cohort, action, resource_type, question, id desc),
     ranked as (select *, row_number() over (partition by cohort, action, resource_type order by question) as place from different)
     select r.id, encode(r.question, 'hex') as question, r.cohort,
       encode(sha256(convert_to(jsonb_build_array(r.cohort, r.action, r.resource_type)::text, 'UTF8')), 'hex') as cell,
       s.decisions, s.last
     from (select count(*)::int as decisions, (select id from seen order by id limit 1) as last from seen) s
       left join ranked r on r.place <= ${OF_CELL_MAX}
     order by r.id desc`,
    [from, before, versions],
  );
  const [first] = rows;
  return {
    rows: rows
      .filter(({ id }) => id !== null)
      .map(({ id, question, cohort, cell }) => ({ id, question, cohort, cell })),
    decisions: first?.decisions ?? 0,
    last: first?.last ?? null,
  };
}
