import type { Db, Tx } from "#kernel/db.ts";
import type { Log } from "#kernel/log.ts";
import { readEntriesWithin } from "../queries.ts";
import { batchOf } from "./batch.ts";
import { lockIndexed, readLogsToIndex, writeIndexed } from "./queries.ts";

const BATCH_MAX = 1_024;
/** Of a batch's entries and payloads. */
const BYTES_MAX = 4 * 2 ** 20;
const LOGS_MAX = 1_000;
/** Entries gather for so long before they are indexed: calls come first, and a query reads what is not indexed yet. */
const GATHER_MS = 200;
const SWEEP_MS = 5_000;

/**
 * Makes what entries are found by, some time after they have their places. Any server may; who holds a log's row does it, and
 * what was done twice would be the same, so nothing breaks when one of them stops in between.
 */
export class Indexer {
  readonly #db: Db;
  readonly #log: Log;
  readonly #waiting = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor({ db, log }: { db: Db; log: Log }) {
    this.#db = db;
    this.#log = log;
  }

  /** Looks for logs that are behind, now and from time to time. */
  start(): void {
    this.#sweep = setInterval(() => void this.#look(), SWEEP_MS).unref();
    void this.#look();
  }

  /** A log has grown; without a project, any may have. */
  wake(tenantId?: string): void {
    if (tenantId === undefined) void this.#look();
    else {
      this.#waiting.add(tenantId);
      this.#later();
    }
  }

  /** Ends after the batch that is under way; what is left is found by the next start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#sweep);
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Indexes a log up to its last place, or until another server is at it. */
  async index(tenantId: string): Promise<void> {
    const scope = { role: "writer", tenantId } as const;
    while (
      !this.#stopping &&
      (await this.#db.transaction(scope, (tx) => indexBatch(tx, tenantId)))
    );
  }

  async #look(): Promise<void> {
    try {
      const logs = await this.#db.transaction({ role: "writer", tenantId: null }, (tx) =>
        readLogsToIndex(tx, LOGS_MAX),
      );
      for (const tenantId of logs) this.wake(tenantId);
    } catch (error) {
      this.#report(error);
    }
  }

  #later(): void {
    if (this.#stopping || this.#running !== undefined) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        if (this.#waiting.size > 0) this.#later();
      });
    }, GATHER_MS).unref();
  }

  /** One log after the other, so that calls keep their connections. */
  async #run(): Promise<void> {
    const logs = [...this.#waiting];
    this.#waiting.clear();
    for (const tenantId of logs) {
      if (this.#stopping) return;
      await this.index(tenantId).catch((error) => this.#report(error));
    }
  }

  #report(error: unknown): void {
    if (this.#stopping) return;
    this.#log.error({ err: error }, "a log could not be indexed, and is tried again");
  }
}

/** Indexes the next entries; whether there may be more for this server to do. */
async function indexBatch(tx: Tx, tenantId: string): Promise<boolean> {
  const indexed = await lockIndexed(tx, tenantId);
  if (indexed === undefined) return false;
  const limits = { entries: BATCH_MAX, bytes: BYTES_MAX };
  const entries = await readEntriesWithin(tx, indexed.size, limits);
  const gap = entries.findIndex(({ index }, nth) => index !== indexed.size + nth);
  const next = gap === -1 ? entries : entries.slice(0, gap);
  if (next.length === 0) return false;
  const { grown, ...rows } = batchOf(indexed, next);
  return (await writeIndexed(tx, tenantId, indexed.size, grown, rows)) && gap === -1;
}
