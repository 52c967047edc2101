import type { Gauge, Histogram } from "prom-client";
import { isConnectionLost } from "#kernel/database-refusals.ts";
import { type Db, query, type Tx } from "#kernel/db.ts";
import { Answered } from "./answered.ts";
import { type Writing, writeAll } from "./commit.ts";
import { Stale } from "./guard.ts";
import type { Revision } from "./ports.ts";
import { outcomeUnknown, overloaded } from "./refusals.ts";

const BATCH_MAX = 256;
const LANES_PER_PROJECT = 2;
const WAITING_MAX = 20_000;

interface Waiting {
  readonly writing: Writing;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Queue {
  waiting: Waiting[];
  /** Transactions of this project that are under way. */
  running: number;
}

/**
 * Group commit for calls that only add rows. While a project's transactions are under way, its next calls gather, and
 * share the one after: at one caller a call is a transaction, at many a transaction carries hundreds of calls.
 * A batch that fails is written again call by call, so that one bad call fails alone.
 */
export class Committer {
  readonly #db: Db;
  readonly #revision: Revision;
  readonly #batches: Histogram<"kind">;
  readonly #gauge: Gauge<"queue">;
  readonly #queues = new Map<string, Queue>();
  #waiting = 0;

  constructor(
    db: Db,
    revision: Revision,
    metrics: { batches: Histogram<"kind">; waiting: Gauge<"queue"> },
  ) {
    this.#db = db;
    this.#revision = revision;
    this.#batches = metrics.batches;
    this.#gauge = metrics.waiting;
  }

  /** Resolves when the rows are on disk. Throws `Stale` or `Answered` when nothing was written for that reason. */
  commit(writing: Writing): Promise<void> {
    if (this.#waiting >= WAITING_MAX) return Promise.reject(overloaded(this.#waiting));
    this.#count(+1);
    return new Promise<void>((resolve, reject) => {
      const queue = this.#queue(writing.tenantId);
      queue.waiting.push({ writing, resolve, reject });
      // The turn of the event loop ends first, so that calls that arrived together travel together.
      if (queue.waiting.length === 1) setImmediate(() => this.#pump(writing.tenantId, queue));
    });
  }

  #queue(tenantId: string): Queue {
    let queue = this.#queues.get(tenantId);
    if (queue === undefined) {
      queue = { waiting: [], running: 0 };
      this.#queues.set(tenantId, queue);
    }
    return queue;
  }

  #count(by: number): void {
    this.#waiting += by;
    this.#gauge.set({ queue: "commit" }, this.#waiting);
  }

  #pump(tenantId: string, queue: Queue): void {
    while (queue.running < LANES_PER_PROJECT && queue.waiting.length > 0) {
      const batch = takeBatch(queue);
      queue.running++;
      void this.#write(batch).finally(() => {
        queue.running--;
        this.#count(-batch.length);
        this.#pump(tenantId, queue);
      });
    }
    if (queue.running === 0 && queue.waiting.length === 0) this.#queues.delete(tenantId);
  }

  /** Settles every call of the batch; never throws. */
  async #write(batch: readonly Waiting[], again = false): Promise<void> {
    this.#batches.observe({ kind: "commit" }, batch.length);
    const writings = batch.map(({ writing }) => writing);
    try {
      const { lost } = await this.#db.transaction(
        { role: "writer", tenantId: writings[0]!.tenantId },
        async (tx) => {
          const written = await writeAll(tx, this.#revision, writings);
          if (writings.some((writing) => isStale(writing, written.revision)))
            throw new StaleBatch(written.revision);
          return written;
        },
      );
      batch.forEach(({ resolve, reject }, call) =>
        lost.has(call) ? reject(new Answered()) : resolve(),
      );
    } catch (error) {
      await this.#recover(batch, error, again);
    }
  }

  async #recover(batch: readonly Waiting[], error: unknown, again: boolean): Promise<void> {
    if (error instanceof StaleBatch) {
      const current = batch.filter(({ writing }) => !isStale(writing, error.revision));
      for (const { writing, reject } of batch)
        if (isStale(writing, error.revision)) reject(new Stale());
      if (current.length > 0) await this.#write(current, again);
    } else if (isConnectionLost(error)) {
      if (again) for (const { writing, reject } of batch) reject(outcomeUnknown(writing.id));
      else await this.#recoverLost(batch);
    } else if (batch.length > 1 && isAboutData(error)) {
      for (const single of batch) await this.#write([single], again);
    } else {
      for (const { reject } of batch) reject(error);
    }
  }

  /** The connection broke, maybe after the commit: what is there is done, what is not is written again, once. */
  async #recoverLost(batch: readonly Waiting[]): Promise<void> {
    const { tenantId } = batch[0]!.writing;
    try {
      const missing = await this.#db.transaction({ role: "reader", tenantId }, async (tx) => {
        const done = await readLinked(
          tx,
          batch.map(({ writing }) => writing.id),
        );
        for (const { writing, resolve } of batch) if (done.has(writing.id)) resolve();
        return batch.filter(({ writing }) => !done.has(writing.id));
      });
      if (missing.length > 0) await this.#write(missing, true);
    } catch {
      for (const { writing, reject } of batch) reject(outcomeUnknown(writing.id));
    }
  }
}

class StaleBatch extends Error {
  readonly revision: number | null;
  constructor(revision: number | null) {
    super("some calls of the batch were decided on an older revision");
    this.revision = revision;
  }
}

/** SQLSTATE classes 22 and 23: a value or a constraint, so the fault of one call and not of the machine. */
const isAboutData = (error: unknown): boolean =>
  /^2[23]/.test((error as { code?: string }).code ?? "");

/** Which calls have their link, and so everything that was committed with it. */
async function readLinked(tx: Tx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await query<{ id: string }>(
    tx,
    "select decision_id as id from telemetry.event_links where tenant_id = (select ops.tenant()) and decision_id = any($1::uuid[])",
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

const isStale = (writing: Writing, revision: number | null): boolean =>
  writing.revision !== undefined && writing.revision !== revision;

/** From the front of the queue; a second call with the same Idempotency-Key stays for the next batch. */
function takeBatch(queue: Queue): Waiting[] {
  const keys = new Set<string>();
  const batch: Waiting[] = [];
  const later: Waiting[] = [];
  for (const [place, waiting] of queue.waiting.entries()) {
    if (batch.length === BATCH_MAX) {
      later.push(...queue.waiting.slice(place));
      break;
    }
    const { claim } = waiting.writing;
    const key = claim === undefined ? undefined : `${claim.principal} ${claim.key}`;
    if (key !== undefined && keys.has(key)) {
      later.push(waiting);
      continue;
    }
    if (key !== undefined) keys.add(key);
    batch.push(waiting);
  }
  queue.waiting = later;
  return batch;
}
