import { randomUUID } from "node:crypto";
import { newId } from "#kernel/ids.ts";
import { cancelled, type Parts, sealIn } from "#pipeline";
import { backoffOf, enqueue, type Finished, type Handler, JobFailed } from "./jobs.ts";
import {
  bookAttempt,
  type ClaimedJob,
  claimJobs,
  noteScheduled,
  readTenantsWithWork,
  renewLease,
  takeDueSchedules,
} from "./queries.ts";

const LEASE_MS = 30_000;
const RENEW_MS = 1_000;
const POLL_MS = 1_000;
const AT_ONCE_MAX = 16;
const AT_ONCE_PER_PROJECT_MAX = 4;
/** Receivers that do not answer leave places for other work. */
const AT_ONCE_PER_TOPIC_MAX = 12;
const STOP_MAX_MS = 10_000;
const ERROR_LENGTH_MAX = 1_000;

/**
 * Does the jobs of all projects. A job is this server's while its lease lasts, and another takes it over when it does not
 * renew it; what came of an attempt is booked, and sealed, in one transaction with what the job changes.
 */
export class Dispatcher {
  readonly #parts: Parts;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #worker = `${process.pid}-${randomUUID()}`;
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  readonly #perProject = new Map<string, number>();
  readonly #perTopic = new Map<string, number>();
  /** The project that was given a place last: those after it come first at the next look. */
  #last = "";
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;

  constructor(parts: Parts, handlers: Readonly<Record<string, Handler>>) {
    this.#parts = parts;
    this.#handlers = new Map(Object.entries(handlers));
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), POLL_MS).unref();
    this.wake();
  }

  /** Looks for work now. */
  wake(): void {
    if (this.#timer === undefined || this.#stopping.signal.aborted) return;
    this.#again = true;
    this.#looking ??= this.#look()
      .catch((error) => this.#parts.log.error({ err: error }, "jobs could not be looked for"))
      .finally(() => {
        this.#looking = undefined;
        if (this.#again) this.wake();
      });
  }

  /** Starts nothing more, and lets what runs end; what does not is another server's once its lease has passed. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort(cancelled());
    await this.#looking;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, STOP_MAX_MS);
    });
    await Promise.race([Promise.all(this.#running.values()), late]);
    clearTimeout(timer);
  }

  async #look(): Promise<void> {
    while (this.#again && !this.#stopping.signal.aborted) {
      this.#again = false;
      const { db } = this.#parts;
      const tenants = await db.transaction({ role: "writer", tenantId: null }, readTenantsWithWork);
      tenants.sort();
      const next = tenants.findIndex((tenantId) => tenantId > this.#last);
      for (const tenantId of [...tenants.splice(Math.max(0, next)), ...tenants])
        await this.#take(tenantId);
    }
  }

  async #take(tenantId: string): Promise<void> {
    for (;;) {
      const inProject = this.#perProject.get(tenantId) ?? 0;
      const places = Math.min(
        AT_ONCE_PER_PROJECT_MAX - inProject,
        AT_ONCE_MAX - this.#running.size,
      );
      if (places <= 0 || this.#stopping.signal.aborted) return;
      const isFull = ([, count]: [string, number]) => count >= AT_ONCE_PER_TOPIC_MAX;
      const topics = [...this.#perTopic];
      const full = topics.filter(isFull).map(([topic]) => topic);
      // Whatever topics come, none gets more than its share.
      const left = topics.filter((topic) => !isFull(topic)).map(([, count]) => count);
      const limit = Math.min(places, AT_ONCE_PER_TOPIC_MAX - Math.max(0, ...left));
      const jobs = await this.#claim(tenantId, limit, full);
      for (const job of jobs) this.#start(tenantId, job);
      if (jobs.length > 0) this.#last = tenantId;
      if (jobs.length < limit) return;
    }
  }

  #claim(tenantId: string, limit: number, full: readonly string[]): Promise<ClaimedJob[]> {
    return this.#parts.db.transaction({ role: "writer", tenantId }, async (tx) => {
      for (const { topic } of await takeDueSchedules(tx)) {
        const job = await enqueue(tx, tenantId, { topic, payload: {}, orderingKey: topic });
        await noteScheduled(tx, topic, job.id);
      }
      return claimJobs(tx, { worker: this.#worker, lease_ms: LEASE_MS, limit, full });
    });
  }

  #start(tenantId: string, job: ClaimedJob): void {
    const count = (by: number) => {
      add(this.#perProject, tenantId, by);
      add(this.#perTopic, job.topic, by);
    };
    count(+1);
    const { jobs } = this.#parts.metrics;
    const done = this.#do(tenantId, job)
      .then(
        (outcome) => jobs.inc({ topic: job.topic, outcome }),
        (error) =>
          this.#parts.log.error({ err: error, job_id: job.id }, "a job could not be booked"),
      )
      .finally(() => {
        count(-1);
        this.#running.delete(job.id);
        this.wake();
      });
    this.#running.set(job.id, done);
  }

  async #do(tenantId: string, job: ClaimedJob): Promise<string> {
    const control = new AbortController();
    const signal = AbortSignal.any([control.signal, this.#stopping.signal]);
    let progress = 0;
    let isCancelled = job.cancelRequested;
    const renew = async () => {
      const lease = { id: job.id, worker: this.#worker, lease_ms: LEASE_MS, progress };
      const kept = await this.#parts.db.transaction({ role: "writer", tenantId }, (tx) =>
        renewLease(tx, lease),
      );
      isCancelled ||= kept?.cancelRequested === true;
      if (kept === undefined || isCancelled) control.abort(cancelled());
    };
    // A renewal that fails is tried again at the next; the lease is thirty of them long.
    const timer = setInterval(() => void renew().catch(() => {}), RENEW_MS).unref();
    try {
      if (isCancelled) throw cancelled();
      if (job.attempts > job.attemptsMax)
        throw new JobFailed("its worker was lost at every attempt", { final: true });
      const handler = this.#handlers.get(job.topic);
      if (handler === undefined)
        throw new JobFailed(`nothing here does jobs of the topic ${job.topic}`);
      const finished = await handler({
        id: job.id,
        tenantId,
        payload: JSON.parse(job.payload),
        attempt: job.attempts,
        signal,
        progress: (fraction) => {
          progress = Math.min(1, Math.max(0, fraction));
        },
      });
      clearInterval(timer);
      return await this.#book(tenantId, job, "done", finished, null);
    } catch (error) {
      clearInterval(timer);
      if (isCancelled) return await this.#book(tenantId, job, "cancelled", {}, "cancelled");
      // Given back at once: the server stops, which is not the job's fault.
      if (this.#stopping.signal.aborted)
        return await this.#book(tenantId, job, "waiting", {}, "the server stopped");
      const failure = this.#failureOf(error, job);
      const { held } = failure;
      const isLast = failure.final || (!held && job.attempts >= job.attemptsMax);
      const after_ms = failure.after_ms ?? backoffOf(job.attempts, Math.random());
      return await this.#book(tenantId, job, isLast ? "given_up" : "waiting", {}, failure.message, {
        after_ms,
        held,
      });
    }
  }

  #failureOf(error: unknown, { id, topic }: ClaimedJob): JobFailed {
    if (error instanceof JobFailed) return error;
    this.#parts.log.error({ err: error, job_id: id, topic }, "a job failed");
    return new JobFailed(
      (error as { code?: string }).code ?? "it failed; the server's log says why",
    );
  }

  /** What came of an attempt, what it changed and the seal of it: all or nothing. */
  async #book(
    tenantId: string,
    job: ClaimedJob,
    status: "waiting" | "done" | "given_up" | "cancelled",
    { result = null, effect, event }: Finished,
    error: string | null,
    { after_ms, held }: { after_ms: number; held: boolean } = { after_ms: 0, held: false },
  ): Promise<string> {
    const { db, ledger, telemetry, clock } = this.#parts;
    const { id, topic, attempts, number, decisionId } = job;
    await ledger.ready(tenantId);
    const scope = { role: "writer", tenantId } as const;
    const booked = await db.transaction(scope, async (tx) => {
      const attempt = {
        id,
        worker: this.#worker,
        number,
        status,
        error: error?.slice(0, ERROR_LENGTH_MAX) ?? null,
        result: result === null ? null : JSON.stringify(result),
        after_ms,
        held,
      };
      if (!(await bookAttempt(tx, attempt))) return false;
      if (status === "waiting") return true;
      await effect?.(tx);
      const entryId = newId();
      const time_ms = clock();
      const actor = "Sealbase:server";
      const told = event && { ...event, actor, requestId: id, decisionId: null, time_ms };
      await sealIn(
        tx,
        this.#parts,
        tenantId,
        {
          id: entryId,
          time_ms,
          kind: "job",
          actor,
          action: topic,
          outcome: status === "done" ? "done" : "failed",
          refs: { job: id, ...(decisionId === null ? {} : { decision: decisionId }) },
          payload: {
            job: { id, topic, status, attempts, error, result },
            ...(event === undefined ? {} : { event: { ...event, actor } }),
          },
        },
        told === undefined ? [] : telemetry.eventRows(told),
      );
      return true;
    });
    if (booked && status !== "waiting") ledger.wake(tenantId);
    return booked ? status : "lease_lost";
  }
}

function add(counts: Map<string, number>, of: string, by: number): void {
  const now = (counts.get(of) ?? 0) + by;
  if (now === 0) counts.delete(of);
  else counts.set(of, now);
}
