import { query, type Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import { canonicalJson } from "#verifier";
import type { Finding } from "./find.ts";
import type { CellPart, Window } from "./window.ts";

/** Decisions of the day `$1` (UTC): an id begins with its time. */
const OF_DAY = `d.tenant_id = (select ops.tenant())
  and d.id >= ops.uuid_floor($1::date::timestamp at time zone 'utc')
  and d.id < ops.uuid_floor(($1::date + 1)::timestamp at time zone 'utc')`;

/** A cohort longer than this goes by its beginning and its SHA-256. */
const COHORT_LENGTH_MAX = 300;

/** Whoever goes on doing something is noted again after so many days, so that it stays known when the first row is taken away. */
const NOTED_DAYS = 90;

/** Of the decisions of a `page` what their slices say of their principals' groups. */
export const SLICES = `slices as materialized (
       select s.hash, case when pg_input_is_valid(s.slice, 'jsonb') then s.slice::jsonb #> '{principal,groups}' end as groups
       from authz.entity_slices s
       where s.tenant_id = (select ops.tenant()) and s.hash in (select entity_slice_hash from page)),
     told as materialized (
       select p.*, split_part(p.principal, ':', 1) || case when jsonb_typeof(s.groups) = 'array' and s.groups <> '[]' then s.groups::text else '' end as whole
       from page p left join slices s on s.hash = p.entity_slice_hash)`;

/** The cohort of a row of `told`. */
export const COHORT = `case when length(whole) <= ${COHORT_LENGTH_MAX} then whole
                   else left(whole, ${COHORT_LENGTH_MAX}) || '…' || encode(sha256(convert_to(whole, 'UTF8')), 'hex') end`;

/**
 * Counts the next decisions of a day, and notes which of their principals, actions and resource types come together for the
 * first time. May be done again with the same result. A slice that cannot be read gives a cohort without groups.
 */
export async function countPage(
  tx: Tx,
  tenantId: string,
  { day, after, limit }: { day: string; after: string | null; limit: number },
): Promise<{ parts: CellPart[]; last: string | null; decisions: number }> {
  const rows = await query<CellPart & { last: string; decisions: number }>(
    tx,
    `with page as materialized (
       select d.id, d.principal, d.action, d.resource_type, d.outcome, cardinality(d.errors) > 0 as erred, d.entity_slice_hash,
         sha256(convert_to(jsonb_build_array(d.principal, d.action, d.resource_type)::text, 'UTF8')) as tuple
       from authz.policy_decisions d where ${OF_DAY} and ($2::uuid is null or d.id > $2) order by d.id limit $3),
     ${SLICES},
     firsts as (
       insert into authz.drift_first_uses (tenant_id, tuple_hash, outcome, day, decision_id)
       select distinct on (t.tuple, t.outcome) $4::uuid, t.tuple, t.outcome, $1::date, t.id from told t
       where not exists (select from authz.drift_first_uses f
                         where f.tenant_id = (select ops.tenant()) and f.tuple_hash = t.tuple and f.outcome = t.outcome and f.day <= $1::date
                           and f.day > $1::date - ${NOTED_DAYS})
       order by t.tuple, t.outcome, t.id
       on conflict do nothing),
     cells as (
       select ${COHORT} as cohort,
         action, resource_type, outcome, erred
       from told)
     select encode(sha256(convert_to(jsonb_build_array(cohort, action, resource_type)::text, 'UTF8')), 'hex') as hash,
       cohort, action, resource_type as "resourceType",
       count(*) filter (where outcome = 'allow') as allowed, count(*) filter (where outcome = 'deny') as denied,
       count(*) filter (where erred) as errors, count(*) filter (where erred and outcome = 'deny') as "deniedErrors",
       (select id from page order by id desc limit 1) as last, (select count(*) from page) as decisions
     from cells group by cohort, action, resource_type`,
    [day, after, limit, tenantId],
  );
  const [first] = rows;
  return {
    parts: rows.map(({ last: _last, decisions: _decisions, ...part }) => part),
    last: first?.last ?? null,
    decisions: first?.decisions ?? 0,
  };
}

/** Principals, actions and resource types whose first time together was on this day, by outcome. */
export async function countFirsts(
  tx: Tx,
  day: string,
): Promise<{ allowed: number; denied: number }> {
  const [row] = await query<{ allowed: number; denied: number }>(
    tx,
    `select count(*) filter (where f.outcome = 'allow') as allowed, count(*) filter (where f.outcome = 'deny') as denied
     from authz.drift_first_uses f where f.tenant_id = (select ops.tenant()) and f.day = $1::date
       and not exists (select from authz.drift_first_uses e where e.tenant_id = f.tenant_id and e.tuple_hash = f.tuple_hash
                         and e.outcome = f.outcome and e.day < f.day)`,
    [day],
  );
  return row!;
}

/** The day of the project's first decision that is not older than `from`. */
export async function readFirstDay(tx: Tx, from: string): Promise<string | undefined> {
  const [row] = await query<{ time_ms: number }>(
    tx,
    `select ('x' || translate(left(d.id::text, 13), '-', ''))::bit(48)::bigint as time_ms from authz.policy_decisions d
     where d.tenant_id = (select ops.tenant()) and d.id >= ops.uuid_floor($1::date::timestamp at time zone 'utc')
     order by d.id limit 1`,
    [from],
  );
  return row && new Date(row.time_ms).toISOString().slice(0, 10);
}

/** The revision of each day that holds. */
const LATEST = `(select distinct on (v.day) v.* from authz.drift_windows v
  where v.tenant_id = (select ops.tenant()) order by v.day, v.revision desc)`;

export async function readLastDay(tx: Tx): Promise<string | undefined> {
  const [row] = await query<{ day: string }>(
    tx,
    "select w.day from authz.drift_windows w where w.tenant_id = (select ops.tenant()) order by w.day desc limit 1",
  );
  return row?.day;
}

/** The first day, not before `from`, whose window has fewer decisions than there are: some came late. */
export async function readFirstLate(tx: Tx, from: string): Promise<string | undefined> {
  const [row] = await query<{ day: string }>(
    tx,
    `select w.day from ${LATEST} w where w.day >= $1::date and w.decisions <> (
       select count(*) from authz.policy_decisions d where d.tenant_id = (select ops.tenant())
         and d.id >= ops.uuid_floor(w.day::timestamp at time zone 'utc')
         and d.id < ops.uuid_floor((w.day + 1)::timestamp at time zone 'utc'))
     order by w.day limit 1`,
    [from],
  );
  return row?.day;
}

const WINDOW = `w.id, w.day, w.revision, w.decisions, w.allowed, w.denied, w.errors, w.denied_errors as "deniedErrors",
  w.first_allowed as "firstAllowed", w.first_denied as "firstDenied", w.cells_left_out as "cellsLeftOut",
  w.findings_left_out as "findingsLeftOut", encode(w.stats_hash, 'hex') as hash, w.created_at as "createdAt"`;

export type StoredWindow = Omit<Window, "cells"> & {
  readonly id: string;
  readonly revision: number;
  readonly findingsLeftOut: number;
  readonly createdAt: Date;
};

/** Windows from one day until before another, the oldest first, with their cells. */
export async function readWindowsWithCells(
  tx: Tx,
  from: string,
  until: string,
): Promise<(StoredWindow & Window)[]> {
  const windows = await query<StoredWindow>(
    tx,
    `select ${WINDOW} from ${LATEST} w where w.day >= $1::date and w.day < $2::date order by w.day`,
    [from, until],
  );
  const cells = await query<Window["cells"][number] & { window: string }>(
    tx,
    `select c.window_id as window, encode(c.cell_hash, 'hex') as hash, c.cohort, c.action, c.resource_type as "resourceType",
       c.allowed, c.denied, c.errors
     from authz.drift_window_cells c where c.tenant_id = (select ops.tenant()) and c.window_id = any($1::uuid[])
     order by c.allowed + c.denied desc, c.cell_hash`,
    [windows.map(({ id }) => id)],
  );
  const byWindow = Map.groupBy(cells, ({ window }) => window);
  return windows.map((window) => ({
    ...window,
    cells: (byWindow.get(window.id) ?? []).map(({ window: _window, ...cell }) => cell),
  }));
}

/** How many days before this one had decisions, and which of these cells were allowed and denied in them. */
export async function readBefore(
  tx: Tx,
  day: string,
  hashes: readonly string[],
): Promise<{ windows: number; allowed: string[]; denied: string[] }> {
  const [row] = await query<{ windows: number }>(
    tx,
    `select count(*) as windows from ${LATEST} w where w.day < $1::date and w.decisions > 0`,
    [day],
  );
  const cells = await query<{ hash: string; allowed: boolean; denied: boolean }>(
    tx,
    `select encode(c.cell_hash, 'hex') as hash, bool_or(c.allowed > 0) as allowed, bool_or(c.denied > 0) as denied
     from authz.drift_window_cells c join authz.drift_windows w on w.tenant_id = c.tenant_id and w.id = c.window_id
     where c.tenant_id = (select ops.tenant()) and w.day < $1::date
       and c.cell_hash in (select decode(h, 'hex') from unnest($2::text[]) h)
     group by c.cell_hash`,
    [day, hashes],
  );
  return {
    windows: row!.windows,
    allowed: cells.filter(({ allowed }) => allowed).map(({ hash }) => hash),
    denied: cells.filter(({ denied }) => denied).map(({ hash }) => hash),
  };
}

export type StoredChange = Pick<Finding, "day" | "kind"> & {
  readonly since: string;
  readonly hash: string | null;
};

/** Changes that began on this day or later. */
export const readChanges = (tx: Tx, from: string): Promise<StoredChange[]> =>
  query(
    tx,
    `select f.day, f.kind, f.since, encode(f.cell_hash, 'hex') as hash from authz.drift_findings f
     where f.tenant_id = (select ops.tenant()) and f.since >= $1::date order by f.day`,
    [from],
  );

/** Adds a window as the next revision of its day. */
export async function storeWindow(
  tx: Tx,
  tenantId: string,
  id: string,
  window: Window,
  { findingsLeftOut, createdAt }: { findingsLeftOut: number; createdAt: string },
): Promise<void> {
  await query(
    tx,
    `insert into authz.drift_windows (tenant_id, id, day, revision, allowed, denied, errors, denied_errors,
       first_allowed, first_denied, cells_left_out, findings_left_out, stats_hash, created_at)
     select $1, $2, $3::date, coalesce(max(w.revision), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11, decode($12, 'hex'), $13
     from authz.drift_windows w where w.tenant_id = $1 and w.day = $3::date`,
    [
      tenantId,
      id,
      window.day,
      window.allowed,
      window.denied,
      window.errors,
      window.deniedErrors,
      window.firstAllowed,
      window.firstDenied,
      window.cellsLeftOut,
      findingsLeftOut,
      window.hash,
      createdAt,
    ],
  );
  const { cells } = window;
  await query(
    tx,
    `insert into authz.drift_window_cells (tenant_id, window_id, cell_hash, cohort, action, resource_type, allowed, denied, errors)
     select $1, $2, decode(r.hash, 'hex'), r.cohort, r.action, r.resource_type, r.allowed, r.denied, r.errors
     from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])
       as r (hash, cohort, action, resource_type, allowed, denied, errors)`,
    [
      tenantId,
      id,
      cells.map(({ hash }) => hash),
      cells.map(({ cohort }) => cohort),
      cells.map(({ action }) => action),
      cells.map(({ resourceType }) => resourceType),
      cells.map(({ allowed }) => allowed),
      cells.map(({ denied }) => denied),
      cells.map(({ errors }) => errors),
    ],
  );
}

/** Adds what was not found before; gives which of them that were. */
export async function storeFindings(
  tx: Tx,
  tenantId: string,
  windowId: string,
  findings: readonly Finding[],
  createdAt: string,
): Promise<void> {
  await query(
    tx,
    `insert into authz.drift_findings (tenant_id, id, window_id, day, kind, cell_hash, cohort, action, resource_type, since, facts, policy_set, created_at)
     select $1, r.id, $2, r.day, r.kind, decode(r.hash, 'hex'), r.cohort, r.action, r.resource_type, r.since, r.facts, r.set, $3
     from unnest($4::uuid[], $5::date[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::date[], $12::text[], $13::text[])
       as r (id, day, kind, hash, cohort, action, resource_type, since, facts, set)
     on conflict do nothing`,
    [
      tenantId,
      windowId,
      createdAt,
      findings.map(() => newId()),
      findings.map(({ day }) => day),
      findings.map(({ kind }) => kind),
      findings.map(({ cell }) => cell?.hash ?? null),
      findings.map(({ cell }) => cell?.cohort ?? null),
      findings.map(({ cell }) => cell?.action ?? null),
      findings.map(({ cell }) => cell?.resourceType ?? null),
      findings.map(({ since }) => since),
      findings.map(({ facts }) => canonicalJson(facts)),
      findings.map(({ set }) => set ?? null),
    ],
  );
}

/** Windows that hold, the newest day first. */
export const readWindows = (
  tx: Tx,
  limit: number,
  before: string | undefined,
): Promise<StoredWindow[]> =>
  query(
    tx,
    `select ${WINDOW} from ${LATEST} w where ($2::date is null or w.day < $2::date) order by w.day desc limit $1`,
    [limit, before ?? null],
  );

export interface StoredFinding {
  readonly id: string;
  readonly window_id: string;
  readonly day: string;
  readonly kind: Finding["kind"];
  readonly set: string | null;
  readonly cohort: string | null;
  readonly action: string | null;
  readonly resource_type: string | null;
  readonly since: string | null;
  readonly facts: string;
  readonly created_at: Date;
}

export const readFindings = (
  tx: Tx,
  filter: { limit: number; before: string | undefined; kind: string | undefined },
): Promise<StoredFinding[]> =>
  query(
    tx,
    `select f.id, f.window_id, f.day, f.kind, f.policy_set as set, f.cohort, f.action, f.resource_type, f.since, f.facts, f.created_at
     from authz.drift_findings f
     where f.tenant_id = (select ops.tenant()) and f.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       and ($3::text is null or f.kind = $3) order by f.id desc limit $1`,
    [filter.limit, filter.before ?? null, filter.kind ?? null],
  );
