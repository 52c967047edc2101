import type { Clock } from "#kernel/clock.ts";
import type { Db } from "#kernel/db.ts";
import type { Log } from "#kernel/log.ts";
import type { Metrics } from "#kernel/metrics.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { Place } from "#pipeline";
import { BATCH_MAX, LogState } from "./log-state.ts";
import { readLogsWithWork, readPlaces } from "./queries.ts";
import { passes, poolFull, restored, witnessesNotNamed } from "./refusals.ts";
import { readPublished } from "./witness/published.ts";
import { readNewestWitnessedSize } from "./witness/queries.ts";

/** While entries keep coming, a checkpoint is signed at least this often. */
const PUBLISH_MS = 25;
/**
 * While nobody waits for a checkpoint, entries gather between two batches: for four times as long as the last batch took, since it
 * costs nearly the same for one as for hundreds, and calls want the database too. A log that was idle that long goes on
 * at once, and so does a full batch.
 */
const GATHER_PER_BATCH = 4;
const GATHER_MIN_MS = 5;
const GATHER_MAX_MS = 50;
/** Entries without a place that a log takes before it refuses more: its sequencer is down or refuses to sign. Counted with each sweep. */
const POOL_MAX = 100_000;
/** How long to leave a log alone whose head another server holds. */
const BUSY_MS = 10;
const SWEEP_MS = 1_000;
const WAIT_MAX_MS = 10_000;
const RETRY_MS = 250;
const STOP_MAX_MS = 15_000;

interface Waiter {
  /** Shared by all who ask for the same entry: an idempotent call and its twins. */
  readonly place: Promise<Place | null>;
  readonly resolve: (place: Place | null) => void;
  readonly reject: (error: unknown) => void;
  index?: number;
}

/**
 * One log's worker. It is, by what is set:
 *
 * - idle: nothing is `running`, no `timer`;
 * - gathering: `running`, and `hurry` would end it;
 * - draining: `running` without `hurry`, batch by batch until none is left, then asked `again` or idle;
 * - resting: a `timer` wakes it, since another server has the log, somebody still waits, or it failed;
 * - refused: `refusal`, for good; whoever asks gets it.
 */
interface Worker {
  state?: LogState | undefined;
  /** The log has another key since the state was loaded. */
  stale?: boolean;
  running: boolean;
  /** Woken while running: look again. */
  again: boolean;
  unpublished: boolean;
  published_ms: number;
  /** When the last batch ended, and how long it took. */
  placed_ms: number;
  took_ms: number;
  /** Told of since the last batch began. */
  waiting: number;
  /** Entries without a place at the last sweep. */
  pending: number;
  /** Entries that this process knows the log to have had under a checkpoint. */
  published: number;
  readonly waiters: Map<string, Waiter>;
  /** Ends the gathering: somebody waits. */
  hurry?: (() => void) | undefined;
  /** Why signing is off; a restored or changed log stays so until an operator acts. */
  refusal?: Refusal | undefined;
  timer?: NodeJS.Timeout | undefined;
}

export interface SequencerParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly masterKey: Uint8Array;
  /** Whether logs sign with ML-DSA-44, too; undefined: those that have a key for it. */
  readonly secondKeys: boolean | undefined;
  /** Without them a log is published when it is signed. */
  readonly witnesses?: SequencerWitnesses | undefined;
  /** Nobody has said which witnesses there are, or that there are none. */
  readonly isUnwitnessed?: boolean;
  /** Told when signing of a log is off until an operator acts. */
  readonly onRefused?: (tenantId: string, refusal: Refusal) => void;
}

/** Who must have seen a log before it goes on, and a checkpoint before readers do. */
export interface SequencerWitnesses {
  readonly waits: boolean;
  admit(tenantId: string): Promise<void>;
  signed(tenantId: string): void;
}

/**
 * Gives entries their places. One worker a log drains `ledger.pending` in batches; the locked head row decides which
 * server's worker it is, and a batch whose head has moved is thrown away, so two can never both extend a log.
 * Batches first, then the signed checkpoint, each in a transaction of its own; why no crash undoes what somebody was told
 * is in README.md ("What a crash leaves").
 */
export class Sequencer {
  readonly #parts: SequencerParts;
  readonly #workers = new Map<string, Worker>();
  #sweep: NodeJS.Timeout | undefined;
  /** What is pending is drained at once, and nothing new is waited for. */
  #closing = false;
  #stopping = false;

  constructor(parts: SequencerParts) {
    this.#parts = parts;
  }

  /** Looks for what a crashed or stopped server left, now and from time to time. */
  async start(): Promise<void> {
    await this.#wakeAll();
    this.#sweep = setInterval(
      () => void this.#wakeAll().catch((error) => this.#report(error)),
      SWEEP_MS,
    ).unref();
  }

  wake(tenantId: string): void {
    const worker = this.#worker(tenantId);
    worker.again = true;
    if (++worker.waiting === BATCH_MAX) worker.hurry?.();
    if (!worker.running) void this.#run(tenantId, worker);
  }

  published(tenantId: string, entryId: string): Promise<Place | null> {
    const worker = this.#worker(tenantId);
    if (worker.refusal !== undefined) return Promise.reject(worker.refusal);
    let waiter = worker.waiters.get(entryId);
    if (waiter === undefined) {
      waiter = waiterOf(() => worker.waiters.delete(entryId));
      worker.waiters.set(entryId, waiter);
    }
    worker.hurry?.();
    this.wake(tenantId);
    return waiter.place;
  }

  /** Something about a project's key may have changed: it is loaded again before the next batch. */
  reload(tenantId?: string): void {
    for (const [id, worker] of this.#workers)
      if (tenantId === undefined || tenantId === id) worker.stale = true;
  }

  /** Throws when so many entries of a project wait for a place that it must not take more. */
  checkPool(tenantId: string): void {
    const pending = this.#workers.get(tenantId)?.pending ?? 0;
    if (pending >= POOL_MAX) throw poolFull(`log/${tenantId}`, POOL_MAX);
  }

  /** A checkpoint of this size is published, after it was signed. */
  witnessed(tenantId: string, size: number): void {
    const worker = this.#workers.get(tenantId);
    if (worker !== undefined) settle(worker, size);
  }

  /** Nothing of this log is signed any more by this process. */
  refuse(tenantId: string, refusal: Refusal): void {
    const worker = this.#worker(tenantId);
    if (worker.refusal !== undefined) return;
    worker.refusal = refusal;
    worker.state = undefined;
    worker.again = false;
    for (const { reject } of worker.waiters.values()) reject(refusal);
    worker.waiters.clear();
    this.#parts.onRefused?.(tenantId, refusal);
  }

  /** Logs whose signing is off, and why. */
  get refused(): readonly { log: string; reason: string }[] {
    return [...this.#workers].flatMap(([tenantId, { refusal }]) =>
      refusal === undefined
        ? []
        : [{ log: `log/${tenantId}`, reason: `${refusal.code}: ${refusal.message}` }],
    );
  }

  /** Drains what is pending and ends. */
  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    this.#closing = true;
    for (const { hurry } of this.#workers.values()) hurry?.();
    await this.#wakeAll().catch((error) => this.#report(error));
    const until_ms = performance.now() + STOP_MAX_MS;
    const busy = () =>
      [...this.#workers.values()].some(({ running, waiters }) => running || waiters.size > 0);
    while (busy() && performance.now() < until_ms) await pause(BUSY_MS);
    this.#stopping = true;
    for (const { timer } of this.#workers.values()) clearTimeout(timer);
  }

  async #wakeAll(): Promise<void> {
    const logs = await this.#parts.db.transaction({ role: "writer", tenantId: null }, (tx) =>
      readLogsWithWork(tx, POOL_MAX),
    );
    for (const worker of this.#workers.values()) worker.pending = 0;
    for (const { id, pending } of logs) {
      this.#worker(id).pending = pending;
      this.wake(id);
    }
  }

  #worker(tenantId: string): Worker {
    let worker = this.#workers.get(tenantId);
    if (worker === undefined) {
      worker = {
        running: false,
        again: false,
        unpublished: true,
        published_ms: 0,
        placed_ms: 0,
        took_ms: 0,
        waiting: 0,
        pending: 0,
        published: 0,
        waiters: new Map(),
      };
      this.#workers.set(tenantId, worker);
    }
    return worker;
  }

  async #run(tenantId: string, worker: Worker): Promise<void> {
    if (this.#stopping || worker.refusal !== undefined) return;
    worker.running = true;
    try {
      while (worker.again) {
        if (worker.waiters.size === 0 && !this.#closing) await gather(worker);
        worker.again = false;
        worker.waiting = 0;
        await this.#drain(tenantId, worker);
      }
      if (worker.waiters.size > 0) await this.#findPlaced(tenantId, worker);
    } catch (error) {
      this.#failed(tenantId, worker, error);
    } finally {
      worker.running = false;
      // Who waits for witnesses is answered by them, or by the rows that another server wrote.
      const idle = this.#parts.witnesses?.waits === true && !worker.again;
      if (worker.again || worker.waiters.size > 0)
        this.#later(tenantId, worker, idle ? RETRY_MS : BUSY_MS);
    }
  }

  async #drain(tenantId: string, worker: Worker): Promise<void> {
    const scope = { role: "writer", tenantId } as const;
    const { db, clock, metrics, witnesses } = this.#parts;
    for (;;) {
      if (worker.stale === true) worker.state = undefined;
      worker.stale = false;
      const state = (worker.state ??= await this.#load(tenantId, worker));
      const isDue = clock() - worker.published_ms >= PUBLISH_MS;
      const begun_ms = performance.now();
      const placed = await db.transaction(scope, (tx) => state.place(tx, (more) => isDue || !more));
      worker.placed_ms = performance.now();
      worker.took_ms = worker.placed_ms - begun_ms;
      if (placed === undefined) {
        await pause(BUSY_MS);
        worker.state = undefined;
        worker.again = true;
        return;
      }
      const { ids, more } = placed;
      if (ids.length > 0) {
        worker.unpublished = true;
        metrics.entries.inc(ids.length);
        metrics.batches.observe({ kind: "seal" }, ids.length);
        const first = state.size - ids.length;
        ids.forEach((id, i) => {
          const waiter = worker.waiters.get(id);
          if (waiter !== undefined) waiter.index = first + i;
        });
      }
      if (worker.unpublished && (isDue || !more)) {
        await db.transaction(scope, (tx) => state.publish(tx));
        if (state.endorsing) worker.stale = true;
        worker.unpublished = false;
        worker.published_ms = clock();
        worker.published = state.size;
        if (witnesses?.waits !== true) settle(worker, state.size);
        witnesses?.signed(tenantId);
      }
      if (!more) return;
    }
  }

  /** Reads a log that nobody who could know says to be an older copy: not the witnesses, and not this process. */
  async #load(tenantId: string, worker: Worker): Promise<LogState> {
    const { db, witnesses } = this.#parts;
    await witnesses?.admit(tenantId);
    const state = await db.transaction({ role: "writer", tenantId }, async (tx) => {
      const loaded = await LogState.load(tx, tenantId, this.#parts);
      if (this.#parts.isUnwitnessed && (await readNewestWitnessedSize(tx)) !== undefined)
        throw witnessesNotNamed(loaded.origin);
      return loaded;
    });
    if (state.size < worker.published) throw restored(state.origin, worker.published, state.size);
    return state;
  }

  /** Entries that another server placed: their waiters learn it from the rows. */
  async #findPlaced(tenantId: string, worker: Worker): Promise<void> {
    const unplaced = [...worker.waiters]
      .filter(([, { index }]) => index === undefined)
      .map(([id]) => id);
    await this.#parts.db.transaction({ role: "reader", tenantId }, async (tx) => {
      for (const { id, index } of await readPlaces(tx, unplaced)) {
        const waiter = worker.waiters.get(id);
        if (waiter !== undefined) waiter.index = index;
      }
      const waitsForWitnesses = this.#parts.witnesses?.waits === true;
      settle(worker, (await readPublished(tx, { waitsForWitnesses }))?.size ?? 0);
    });
  }

  #failed(tenantId: string, worker: Worker, error: unknown): void {
    worker.state = undefined;
    // What a crash of PostgreSQL undid gets other places.
    for (const waiter of worker.waiters.values()) delete waiter.index;
    this.#report(error);
    if (error instanceof Refusal && error.step === "seal" && !passes(error))
      return this.refuse(tenantId, error);
    worker.again = true;
    this.#later(tenantId, worker, RETRY_MS);
  }

  #later(tenantId: string, worker: Worker, delay_ms: number): void {
    if (worker.timer !== undefined || this.#stopping) return;
    worker.timer = setTimeout(() => {
      worker.timer = undefined;
      this.wake(tenantId);
    }, delay_ms);
  }

  #report(error: unknown): void {
    if (error instanceof Refusal) {
      const { code, facts } = error;
      // Two processes at one log, such as a command beside the server, is how it is meant to be.
      const level = code === "seal/head_moved" ? "debug" : "warn";
      this.#parts.log[level]({ code, facts }, error.message);
    } else this.#parts.log.error({ err: error }, "the sequencer failed and tries again");
  }
}

/** Waits for an entry's place, but not for ever: then it gets null, and `late` is told. */
function waiterOf(late: () => void): Waiter {
  const { promise, resolve, reject } = Promise.withResolvers<Place | null>();
  const timer = setTimeout(() => {
    late();
    resolve(null);
  }, WAIT_MAX_MS);
  const settled =
    <T>(settle: (value: T) => void) =>
    (value: T) => {
      clearTimeout(timer);
      settle(value);
    };
  return { place: promise, resolve: settled(resolve), reject: settled(reject) };
}

/** Lets entries gather until their time is up, they fill a batch, or somebody waits for one. */
function gather(worker: Worker): Promise<void> | undefined {
  const { took_ms, placed_ms, waiting } = worker;
  const wanted_ms = Math.min(Math.max(took_ms * GATHER_PER_BATCH, GATHER_MIN_MS), GATHER_MAX_MS);
  const left_ms = placed_ms + wanted_ms - performance.now();
  if (left_ms <= 0 || waiting >= BATCH_MAX) return undefined;
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      worker.hurry = undefined;
      resolve();
    };
    const timer = setTimeout(end, left_ms);
    worker.hurry = end;
  });
}

/** Answers everyone whose entry is below the published size. */
function settle(worker: Worker, size: number): void {
  for (const [id, { index, resolve }] of worker.waiters) {
    if (index === undefined || index >= size) continue;
    worker.waiters.delete(id);
    resolve({ index, size });
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
