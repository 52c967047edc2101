import { query, type Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import { type StoredVersion, VERSION } from "../queries.ts";

/** A decision with everything that it can be made from again, but for slice and version, which many share. */
export interface Recorded {
  readonly id: string;
  /** The decision of the call that asked; null when it is about the call itself. */
  readonly asked_by: string | null;
  readonly principal: string;
  readonly action: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly context: string;
  readonly outcome: "allow" | "deny";
  readonly policy_version_id: string | null;
  readonly engine: string;
  /** SHA-256, hex. */
  readonly slice_hash: string;
  /** JSON arrays of policies' ids. */
  readonly reasons: string;
  readonly errors: string;
  readonly trace_hash: string;
}

const RECORDED = `d.id, d.asked_by, d.principal, d.action, d.resource_type, d.resource_id, d.context, d.outcome, d.policy_version_id,
  d.engine, encode(d.entity_slice_hash, 'hex') as slice_hash, array_to_json(d.reasons)::text as reasons,
  array_to_json(d.errors)::text as errors, encode(d.trace_hash, 'hex') as trace_hash`;

export async function readRecorded(tx: Tx, id: string): Promise<Recorded | undefined> {
  const [row] = await query<Recorded>(
    tx,
    `select ${RECORDED} from authz.policy_decisions d where d.tenant_id = (select ops.tenant()) and d.id = $1`,
    [id],
  );
  return row;
}

/** Those that are still there, the newest first. */
export const readRecordedOf = (tx: Tx, ids: readonly string[]): Promise<Recorded[]> =>
  query(
    tx,
    `select ${RECORDED} from authz.policy_decisions d where d.tenant_id = (select ops.tenant()) and d.id = any($1::uuid[]) order by d.id desc`,
    [ids],
  );

/** Decisions with ids from `from` on and below `before`. */
export interface Span {
  readonly from: string;
  readonly before: string;
}

/** Decisions that one page looks at, and characters of contexts that it holds, but for one that is longer alone. */
const PAGE = 2_000;
const PAGE_CHARACTERS = 4_194_304;

const IN_SPAN = `d.tenant_id = (select ops.tenant()) and d.id >= $1 and d.id < $2`;

/**
 * The newest decisions of a span, of these versions only when any are given. `rest` is what is left of the span; null when
 * nothing is.
 */
export async function readPage(
  tx: Tx,
  { from, before }: Span,
  versions: readonly string[] | null,
): Promise<{ rows: Recorded[]; rest: Span | null }> {
  const [rows, [last]] = await Promise.all([
    query<Recorded & { found: number }>(
      tx,
      `with seen as materialized (
         select d.* from authz.policy_decisions d where ${IN_SPAN} order by d.id desc limit ${PAGE}),
       found as materialized (
         select s.*, sum(octet_length(s.context)) over (order by s.id desc) - octet_length(s.context) as held
         from seen s where $3::uuid[] is null or s.policy_version_id = any($3::uuid[]))
       select ${RECORDED}, (select count(*) from found) as found from found d where d.held < ${PAGE_CHARACTERS} order by d.id desc`,
      [from, before, versions],
    ),
    query<{ id: string }>(
      tx,
      `select d.id from authz.policy_decisions d where ${IN_SPAN} order by d.id desc offset ${PAGE - 1} limit 1`,
      [from, before],
    ),
  ]);
  const cut = rows.length < (rows[0]?.found ?? 0);
  const reached = cut ? rows.at(-1)!.id : last?.id;
  return { rows, rest: reached === undefined ? null : { from, before: reached } };
}

/** The ids that lie between two moments, and the first decision there; null when there is none. */
export async function readSpan(
  tx: Tx,
  window: { since: string | null; until: string },
): Promise<Span & { readonly first: string | null }> {
  const [row] = await query<Span & { first: string | null }>(
    tx,
    `with span as (select coalesce(ops.uuid_floor($1::timestamptz), '00000000-0000-0000-0000-000000000000') as "from",
       ops.uuid_floor($2::timestamptz) as before)
     select "from", before, (select d.id from authz.policy_decisions d where d.tenant_id = (select ops.tenant()) and d.id >= "from"
       order by d.id limit 1) as first from span`,
    [window.since, window.until],
  );
  return row!;
}

export async function readSlices(
  tx: Tx,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (hashes.length === 0) return new Map();
  const rows = await query<{ hash: string; slice: string }>(
    tx,
    `select encode(s.hash, 'hex') as hash, s.slice from authz.entity_slices s
     where s.tenant_id = (select ops.tenant()) and s.hash = any($1::bytea[])`,
    [hashes.map((hash) => Buffer.from(hash, "hex"))],
  );
  return new Map(rows.map(({ hash, slice }) => [hash, slice]));
}

export async function readVersionsById(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredVersion>> {
  if (ids.length === 0) return new Map();
  const rows = await query<StoredVersion>(
    tx,
    // The hash of what the schema says now, in place of the one that stands with the version: an edit shows as another trace.
    `select ${VERSION}, (select encode(sha256(convert_to(s.schema, 'UTF8')), 'hex') from authz.policy_schemas s
         where s.tenant_id = v.tenant_id and s.hash = v.schema_hash) as "schemaHash"
     from authz.policy_versions v where v.tenant_id = (select ops.tenant()) and v.id = any($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

export interface NewDisagreement {
  readonly decisionId: string;
  readonly engine: string;
  readonly expected: { readonly outcome: string; readonly traceHash: string };
  readonly found: { readonly outcome: string; readonly traceHash: string };
}

export async function storeDisagreements(
  tx: Tx,
  tenantId: string,
  jobId: string,
  found: readonly NewDisagreement[],
  createdAt: string,
): Promise<void> {
  await query(
    tx,
    `insert into authz.replay_disagreements (tenant_id, id, job_id, decision_id, engine, expected_outcome, found_outcome,
       expected_hash, found_hash, created_at)
     select $1, r.id, $2, r.decision_id, r.engine, r.expected_outcome, r.found_outcome,
       decode(r.expected_hash, 'hex'), decode(r.found_hash, 'hex'), $3
     from unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
       as r (id, decision_id, engine, expected_outcome, found_outcome, expected_hash, found_hash)`,
    [
      tenantId,
      jobId,
      createdAt,
      found.map(() => newId()),
      found.map(({ decisionId }) => decisionId),
      found.map(({ engine }) => engine),
      found.map(({ expected }) => expected.outcome),
      found.map((one) => one.found.outcome),
      found.map(({ expected }) => expected.traceHash),
      found.map((one) => one.found.traceHash),
    ],
  );
}

export interface StoredDisagreement {
  readonly id: string;
  readonly job_id: string;
  readonly decision_id: string;
  readonly engine: string;
  readonly expected_outcome: "allow" | "deny";
  readonly found_outcome: "allow" | "deny";
  readonly expected_hash: string;
  readonly found_hash: string;
  readonly created_at: Date;
}

/** Newest first. */
export const readDisagreements = (
  tx: Tx,
  filter: { limit: number; before: string | undefined; job: string | undefined },
): Promise<StoredDisagreement[]> =>
  query(
    tx,
    `select r.id, r.job_id, r.decision_id, r.engine, r.expected_outcome, r.found_outcome,
       encode(r.expected_hash, 'hex') as expected_hash, encode(r.found_hash, 'hex') as found_hash, r.created_at
     from authz.replay_disagreements r
     where r.tenant_id = (select ops.tenant()) and r.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       and ($3::uuid is null or r.job_id = $3) order by r.id desc limit $1`,
    [filter.limit, filter.before ?? null, filter.job ?? null],
  );
