import { randomUUID } from "node:crypto";
import { cancelled, type Parts } from "#pipeline";
import { attempt, LEASE_MS } from "./attempt.ts";
import { enqueue, type Handler } from "./jobs.ts";
import {
  type ClaimedJob,
  claimJobs,
  noteScheduled,
  readTenantsWithWork,
  takeDueSchedules,
} from "./queries.ts";

const POLL_MS = 1_000;
const AT_ONCE_MAX = 16;
const AT_ONCE_PER_PROJECT_MAX = 4;
/** Receivers that do not answer leave places for other work. */
const AT_ONCE_PER_TOPIC_MAX = 12;
const STOP_MAX_MS = 10_000;

/** Does the jobs of all projects, each project and topic within its share. What one attempt is: attempt.ts; what comes of it: book.ts. */
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
    const done = attempt(
      { parts: this.#parts, worker: this.#worker, stopping: this.#stopping.signal },
      tenantId,
      job,
      this.#handlers.get(job.topic),
    )
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
}

function add(counts: Map<string, number>, of: string, by: number): void {
  const now = (counts.get(of) ?? 0) + by;
  if (now === 0) counts.delete(of);
  else counts.set(of, now);
}
