import type { Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import type { SecurityEvent } from "#pipeline";
import { insertJob, type StoredJob } from "./queries.ts";

/** Work beside calls: asked for inside a transaction, done after it at least once. */
export interface NewJob {
  /** Which handler does it. */
  readonly topic: string;
  readonly payload: unknown;
  /** Of the open jobs of one key the oldest goes first, and alone. */
  readonly orderingKey?: string;
  readonly decisionId?: string;
  readonly createdBy?: string;
  readonly attemptsMax?: number;
}

export const ATTEMPTS_MAX = 10;

/** Writes a job in the transaction that wants it. */
export function enqueue(tx: Tx, tenantId: string, job: NewJob): Promise<StoredJob> {
  return insertJob(tx, tenantId, {
    id: newId(),
    topic: job.topic,
    payload: JSON.stringify(job.payload),
    orderingKey: job.orderingKey ?? null,
    decisionId: job.decisionId ?? null,
    createdBy: job.createdBy ?? "Sealbase:server",
    attemptsMax: job.attemptsMax ?? ATTEMPTS_MAX,
  });
}

/** A job that is being done. */
export interface Running {
  readonly id: string;
  readonly tenantId: string;
  readonly payload: unknown;
  /** Counts from 1. */
  readonly attempt: number;
  /** Aborts when the job was cancelled, its lease was lost, or the server stops. */
  readonly signal: AbortSignal;
  /** From 0 to 1; told to whoever watches, now and then. */
  progress(done: number): void;
}

export interface Finished {
  readonly result?: unknown;
  /** What it changes in the database: in the transaction that books the job as done, so exactly once. */
  readonly effect?: (tx: Tx) => Promise<void>;
  /** What someone responsible should hear of. */
  readonly event?: Pick<SecurityEvent, "kind" | "severity" | "facts">;
}

export type Handler = (running: Running) => Promise<Finished>;

/** A failure that was expected, such as an address that does not answer; its message is shown with the job. */
export class JobFailed extends Error {
  /** No further attempt would help. */
  readonly final: boolean;
  /** The other side said when to come again. */
  readonly after_ms: number | undefined;
  /** It is not the time for it, so it was not tried: it waits, and this attempt does not count. */
  readonly held: boolean;
  /**
   * In how many milliseconds it is due, asked in the transaction that lets it wait: what it waits for may have come since it
   * looked. Goes before `after_ms`.
   */
  readonly due: ((tx: Tx) => Promise<number>) | undefined;
  constructor(
    message: string,
    { final = false, held = false, after_ms, due }: Partial<Omit<JobFailed, keyof Error>> = {},
  ) {
    super(message);
    this.final = final;
    this.after_ms = after_ms;
    this.held = held;
    this.due = due;
  }
}

const FIRST_MS = 5_000;
const FACTOR = 4;
const LONGEST_MS = 6 * 3_600_000;

/** Milliseconds until the next attempt: 5 s, 20 s, 80 s … up to 6 h, spread by a fifth so that many do not come at once. */
export const backoffOf = (attempt: number, random: number): number =>
  Math.min(LONGEST_MS, FIRST_MS * FACTOR ** (attempt - 1)) * (0.9 + 0.2 * random);
