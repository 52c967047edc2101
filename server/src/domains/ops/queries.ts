import { query, type Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";

export interface StoredJob {
  readonly id: string;
  readonly topic: string;
  readonly status: "waiting" | "running" | "done" | "given_up" | "cancelled";
  readonly progress: number;
  readonly attempts: number;
  readonly attemptsMax: number;
  readonly error: string | null;
  readonly result: string | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly dueAt: Date;
  readonly finishedAt: Date | null;
}

const JOB = `o.id, o.topic, o.status, o.progress, o.attempts, o.attempts_max as "attemptsMax", o.error, o.result,
  o.created_by as "createdBy", o.created_at as "createdAt", o.due_at as "dueAt", o.finished_at as "finishedAt"`;

export interface InsertedJob {
  readonly id: string;
  readonly topic: string;
  readonly payload: string;
  readonly orderingKey: string | null;
  readonly decisionId: string | null;
  readonly createdBy: string;
  readonly attemptsMax: number;
}

/** Stores a job and wakes the dispatchers once the transaction has committed. */
export async function insertJob(tx: Tx, tenantId: string, job: InsertedJob): Promise<StoredJob> {
  const [row] = await query<StoredJob>(
    tx,
    `with o as (insert into ops.outbox (tenant_id, id, topic, payload, ordering_key, decision_id, created_by, attempts_max)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning *)
     select ${JOB}, pg_notify('sealbase_jobs', '') from o`,
    [
      tenantId,
      job.id,
      job.topic,
      job.payload,
      job.orderingKey,
      job.decisionId,
      job.createdBy,
      job.attemptsMax,
    ],
  );
  return row!;
}

export async function readJob(tx: Tx, id: string): Promise<StoredJob | undefined> {
  const [row] = await query<StoredJob>(
    tx,
    `select ${JOB} from ops.outbox o where o.tenant_id = (select ops.tenant()) and o.id = $1`,
    [id],
  );
  return row;
}

export const readJobs = (
  tx: Tx,
  filter: {
    limit: number;
    before?: string | undefined;
    status?: string | undefined;
    topic?: string | undefined;
  },
): Promise<StoredJob[]> =>
  query(
    tx,
    `select ${JOB} from ops.outbox o
     where o.tenant_id = (select ops.tenant()) and o.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       and ($3::text is null or o.status = $3) and ($4::text is null or o.topic = $4)
     order by o.id desc limit $1`,
    [filter.limit, filter.before ?? null, filter.status ?? null, filter.topic ?? null],
  );

/** How a job is, as far as entries say it too. */
export type JobState = Pick<StoredJob, "id" | "topic" | "status" | "attempts" | "error" | "result">;

/** The jobs of these ids that are there. */
export async function readJobStates(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, JobState>> {
  const rows = await query<JobState>(
    tx,
    `select o.id, o.topic, o.status, o.attempts, o.error, o.result from ops.outbox o
     where o.tenant_id = (select ops.tenant()) and o.id = any($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Finished jobs whose id `condition`, SQL about an id, is true of. The lowest first. */
export const readFinishedJobIds = async (
  tx: Tx,
  condition: (id: string) => string,
  limit: number,
): Promise<string[]> =>
  (
    await query<{ id: string }>(
      tx,
      `select o.id from ops.outbox o where o.tenant_id = (select ops.tenant()) and o.finished_at is not null
         and ${condition("o.id")} order by 1 limit $1`,
      [limit],
    )
  ).map(({ id }) => id);

/** A finished job waits again, with as many attempts as it had at first; undefined when it is not one. */
export async function retryJob(
  tx: Tx,
  id: string,
  attempts: number,
): Promise<StoredJob | undefined> {
  const [row] = await query<StoredJob>(
    tx,
    `update ops.outbox o set status = 'waiting', attempts_max = o.attempts + $2, due_at = now(), finished_at = null,
       error = null, cancel_requested = false
     where o.tenant_id = (select ops.tenant()) and o.id = $1 and o.status in ('given_up', 'cancelled')
     returning ${JOB}, pg_notify('sealbase_jobs', '')`,
    [id, attempts],
  );
  return row;
}

/** A waiting job is cancelled, a running one is asked to stop; undefined when it has finished. */
export async function cancelJob(tx: Tx, id: string): Promise<StoredJob | undefined> {
  const [row] = await query<StoredJob>(
    tx,
    `update ops.outbox o set cancel_requested = true,
       status = case when o.status = 'waiting' then 'cancelled' else o.status end,
       finished_at = case when o.status = 'waiting' then now() end
     where o.tenant_id = (select ops.tenant()) and o.id = $1 and o.status in ('waiting', 'running') returning ${JOB}`,
    [id],
  );
  return row;
}

/** Projects with jobs that are due, lost, or to be made by a schedule. */
export const readTenantsWithWork = async (tx: Tx): Promise<string[]> =>
  (await query<{ id: string }>(tx, "select ops.tenants_with_work() as id")).map(({ id }) => id);

export interface ClaimedJob {
  readonly id: string;
  readonly topic: string;
  readonly payload: string;
  /** Of those that count, this one too. */
  readonly attempts: number;
  readonly attemptsMax: number;
  /** Of this attempt, among all that there were. */
  readonly number: number;
  readonly decisionId: string | null;
  readonly cancelRequested: boolean;
}

/**
 * Takes due jobs for this worker until the lease ends: the oldest of each ordering key, and those whose worker let its
 * lease pass, which is noted with their last attempt. Topics that have their share already are left out.
 */
export const claimJobs = (
  tx: Tx,
  {
    worker,
    lease_ms,
    limit,
    full,
  }: { worker: string; lease_ms: number; limit: number; full: readonly string[] },
): Promise<ClaimedJob[]> =>
  query(
    tx,
    `with due as (
       select o.tenant_id, o.id from ops.outbox o
       where o.tenant_id = (select ops.tenant())
         and o.topic <> all($4::text[]) and ((o.status = 'waiting' and o.due_at <= now()) or (o.status = 'running' and o.leased_until < now()))
         and not exists (select from ops.outbox e where e.tenant_id = o.tenant_id and e.ordering_key = o.ordering_key
                           and e.status in ('waiting', 'running') and e.id < o.id)
       order by o.due_at, o.id limit $1 for update skip locked),
     lost as (
       update ops.outbox_attempts a set outcome = 'lease_lost' from due
       where a.tenant_id = due.tenant_id and a.outbox_id = due.id and a.outcome is null),
     taken as (
       update ops.outbox o set status = 'running', attempts = o.attempts + 1, leased_by = $2,
         leased_until = now() + make_interval(secs => $3::float8 / 1000)
       from due where o.tenant_id = due.tenant_id and o.id = due.id
       returning o.tenant_id, o.id, o.topic, o.payload, o.attempts, o.attempts_max as "attemptsMax", o.decision_id as "decisionId",
         o.cancel_requested as "cancelRequested",
         (select coalesce(max(a.number), 0) + 1 from ops.outbox_attempts a
          where a.tenant_id = o.tenant_id and a.outbox_id = o.id) as number),
     tried as (
       insert into ops.outbox_attempts (tenant_id, outbox_id, number, worker)
       select tenant_id, id, number, $2 from taken)
     select id, topic, payload, attempts, "attemptsMax", number, "decisionId", "cancelRequested" from taken order by id`,
    [limit, worker, lease_ms, full],
  );

const MINE =
  "o.tenant_id = (select ops.tenant()) and o.id = $1 and o.status = 'running' and o.leased_by = $2";

/** Keeps a job for longer. Undefined when it is not this worker's any more. */
export async function renewLease(
  tx: Tx,
  job: { id: string; worker: string; lease_ms: number; progress: number },
): Promise<{ cancelRequested: boolean } | undefined> {
  const [row] = await query<{ cancelRequested: boolean }>(
    tx,
    `update ops.outbox o set leased_until = now() + make_interval(secs => $3::float8 / 1000), progress = $4
     where ${MINE} returning o.cancel_requested as "cancelRequested"`,
    [job.id, job.worker, job.lease_ms, job.progress],
  );
  return row;
}

/** Books what came of an attempt; false when the job is not this worker's any more, and then nothing was booked. */
export async function bookAttempt(
  tx: Tx,
  attempt: {
    id: string;
    worker: string;
    number: number;
    status: "waiting" | "done" | "given_up" | "cancelled";
    error: string | null;
    result: string | null;
    after_ms: number;
    /** It does not count. */
    held: boolean;
  },
): Promise<boolean> {
  const { id, worker, number, status, error, result, after_ms, held } = attempt;
  const booked = await query(
    tx,
    `with o as (
       update ops.outbox o set status = $3, leased_by = null, leased_until = null, error = $4, result = $5,
         progress = case when $3 = 'done' then 1 else o.progress end,
         due_at = now() + make_interval(secs => $6::float8 / 1000),
         attempts = o.attempts - case when $8 then 1 else 0 end,
         finished_at = case when $3 <> 'waiting' then now() end
       where ${MINE} returning o.tenant_id, o.id)
     update ops.outbox_attempts a set outcome = case when $3 = 'done' then 'done' else 'failed' end, error = $4
     from o where a.tenant_id = o.tenant_id and a.outbox_id = o.id and a.number = $7 returning a.number`,
    [id, worker, status, error, result, after_ms, number, held],
  );
  return booked.length === 1;
}

export interface Schedule {
  readonly topic: string;
  readonly everyS: number;
  readonly enabled: boolean;
  readonly nextAt: Date;
  readonly lastJobId: string | null;
}

const SCHEDULE = `s.topic, s.every_s as "everyS", s.enabled, s.next_at as "nextAt", s.last_job_id as "lastJobId"`;

export const readSchedules = (tx: Tx): Promise<Schedule[]> =>
  query(
    tx,
    `select ${SCHEDULE} from ops.schedules s where s.tenant_id = (select ops.tenant()) order by s.topic`,
  );

/** Schedules whose time has come; each is set to its next time. A time that was slept through comes once. */
export const takeDueSchedules = (tx: Tx): Promise<{ topic: string }[]> =>
  query(
    tx,
    `with due as (select topic from ops.schedules
       where tenant_id = (select ops.tenant()) and enabled and next_at <= now() for update skip locked)
     update ops.schedules s set next_at = now() + make_interval(secs => s.every_s) from due
     where s.tenant_id = (select ops.tenant()) and s.topic = due.topic returning s.topic`,
  );

export async function noteScheduled(tx: Tx, topic: string, jobId: string): Promise<void> {
  await query(
    tx,
    "update ops.schedules set last_job_id = $2 where tenant_id = (select ops.tenant()) and topic = $1",
    [topic, jobId],
  );
}

export async function updateSchedule(
  tx: Tx,
  { topic, everyS, enabled }: { topic: string; everyS: number | null; enabled: boolean | null },
): Promise<Schedule | undefined> {
  const [row] = await query<Schedule>(
    tx,
    `update ops.schedules s set every_s = coalesce($2, s.every_s), enabled = coalesce($3, s.enabled),
       next_at = case when $2::int is null and s.enabled then s.next_at
                      else now() + make_interval(secs => coalesce($2, s.every_s)) end
     where s.tenant_id = (select ops.tenant()) and s.topic = $1 returning ${SCHEDULE}`,
    [topic, everyS, enabled],
  );
  return row;
}

export async function insertSchedules(
  tx: Tx,
  tenantId: string,
  schedules: readonly { topic: string; everyS: number; enabled: boolean }[],
): Promise<void> {
  await query(
    tx,
    `insert into ops.schedules (tenant_id, topic, every_s, enabled, next_at)
     select $1, topic, every_s, enabled, now() + make_interval(secs => every_s)
     from unnest($2::text[], $3::int[], $4::bool[]) as s (topic, every_s, enabled)`,
    [
      tenantId,
      schedules.map(({ topic }) => topic),
      schedules.map(({ everyS }) => everyS),
      schedules.map(({ enabled }) => enabled),
    ],
  );
}

export interface RetentionPolicy {
  readonly id: string;
  readonly tableName: string;
  readonly keepDays: number;
  readonly createdBy: string;
  readonly updatedAt: Date;
}

const RETENTION = `r.id, r.table_name as "tableName", r.keep_days as "keepDays", r.created_by as "createdBy",
  r.updated_at as "updatedAt"`;

export const readRetentionPolicies = (tx: Tx): Promise<RetentionPolicy[]> =>
  query(
    tx,
    `select ${RETENTION} from ops.retention_policies r
     where r.tenant_id = (select ops.tenant()) and r.enabled order by r.table_name`,
  );

export async function setRetention(
  tx: Tx,
  tenantId: string,
  policy: { id: string; tableName: string; keepDays: number; createdBy: string },
): Promise<RetentionPolicy> {
  const [row] = await query<RetentionPolicy>(
    tx,
    `insert into ops.retention_policies as r (tenant_id, id, table_name, keep_days, created_by) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, table_name) do update
       set keep_days = excluded.keep_days, enabled = true, created_by = excluded.created_by returning ${RETENTION}`,
    [tenantId, policy.id, policy.tableName, policy.keepDays, policy.createdBy],
  );
  return row!;
}

/** What `ops.retain` knows the age of. */
export const RETAINED_TABLES = [
  "ops.outbox",
  "telemetry.security_events",
  "authz.drift_windows",
  "authz.drift_first_uses",
] as const;

/** What is compared with what was before needs that: the watch for drift looks back 42 days, and notes uses anew after 90, so one of 42 days ago is known by a note of up to 132. */
export const KEEP_DAYS_MIN: { readonly [table in (typeof RETAINED_TABLES)[number]]?: number } = {
  "authz.drift_windows": 60,
  "authz.drift_first_uses": 132,
};

/** What every project keeps how long, unless its administrators say otherwise. */
const KEEP_DAYS = { "authz.drift_windows": 400, "authz.drift_first_uses": 400 };

export const insertRetention = (tx: Tx, tenantId: string): Promise<unknown> =>
  query(
    tx,
    `insert into ops.retention_policies (tenant_id, id, table_name, keep_days, created_by)
     select $1, r.id, r.name, r.days, 'Sealbase:server' from unnest($2::uuid[], $3::text[], $4::int[]) as r (id, name, days)`,
    [
      tenantId,
      Object.keys(KEEP_DAYS).map(() => newId()),
      Object.keys(KEEP_DAYS),
      Object.values(KEEP_DAYS),
    ],
  );

/** Takes away what the project's policies no longer keep, at most `batch` rows a table, and records what went. */
export const retainBatch = (
  tx: Tx,
  batch: number,
): Promise<{ table: string; removed: number; more: boolean }[]> =>
  query(tx, `select retained as "table", removed, more from ops.retain($1)`, [batch]);

/** Up to when retention has taken rows away, in milliseconds since 1970, by table. */
export async function readRetainedUntil(tx: Tx): Promise<ReadonlyMap<string, number>> {
  const rows = await query<{ table: string; until_ms: number }>(
    tx,
    `select table_name as "table", extract(epoch from max(rows_before))::float8 * 1000 as until_ms
     from ops.retention_runs where tenant_id = (select ops.tenant()) group by table_name`,
  );
  return new Map(rows.map(({ table, until_ms }) => [table, until_ms]));
}

/** Takes a message in; false when the same one was taken in before, null when that had another content. */
export async function takeIn(
  tx: Tx,
  tenantId: string,
  message: { source: string; id: string; hash: Uint8Array; decisionId: string },
): Promise<boolean | null> {
  const { source, id, hash, decisionId } = message;
  const taken = await query(
    tx,
    `insert into ops.inbox (tenant_id, source, message_id, payload_hash, decision_id) values ($1, $2, $3, $4, $5)
     on conflict do nothing returning message_id`,
    [tenantId, source, id, hash, decisionId],
  );
  if (taken.length === 1) return true;
  const same = await query(
    tx,
    "select from ops.inbox where tenant_id = $1 and source = $2 and message_id = $3 and payload_hash = $4",
    [tenantId, source, id, hash],
  );
  return same.length === 1 ? false : null;
}
