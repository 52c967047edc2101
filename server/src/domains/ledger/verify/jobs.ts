import { ERROR_LENGTH_MAX, JOB_CANCEL, type JobState, readJobStates } from "#domains/ops";
import type { Tx } from "#kernel/db.ts";
import { canonicalJson, parseJson } from "#verifier";
import { readJobsSealedFrom } from "../queries.ts";
import type { SealedJob, SealedPayload } from "../values.ts";
import type { Finding } from "./report.ts";

/** Jobs that are not as an entry says and may be as a later one says; more than these are settled at once. */
const OPEN_MAX = 10_000;
/** A job's entry is timed by its server, its row by PostgreSQL when the transaction began: so far apart at most. */
const CLOCKS_APART_MS = 300_000;

/** That a job ended, and where the log says so. */
export interface Ending {
  readonly index: number;
  readonly time: string;
  readonly job: SealedJob;
}

/** How the job ended that an entry is about: by itself, or because somebody cancelled it while it waited. */
export function endingOf({ job, request, outcome }: SealedPayload): SealedJob | undefined {
  if (job !== undefined || request?.operation !== JOB_CANCEL) return job;
  if (outcome?.status !== "done") return undefined;
  const shown = outcome.output as SealedJob;
  return shown.status === "cancelled" ? shown : undefined;
}

/**
 * Whether the rows of jobs say what the last entry about each says. A job that was tried again has several entries, and
 * its row is as the last: what differs from an earlier one is kept until then.
 */
export class JobAudit {
  readonly #tx: Tx;
  readonly #retainedUntil_ms: number;
  readonly #find: (finding: Finding) => void;
  readonly #open = new Map<string, Finding>();

  constructor(tx: Tx, retainedUntil_ms: number, find: (finding: Finding) => void) {
    this.#tx = tx;
    this.#retainedUntil_ms = retainedUntil_ms;
    this.#find = find;
  }

  /** The endings of a page, in order; `next` is where the page after it begins. */
  async page(endings: readonly Ending[], next: number): Promise<void> {
    if (endings.length === 0) return;
    const ids = new Set(endings.map(({ job }) => job.id));
    const rows = await readJobStates(this.#tx, [...ids]);
    for (const ending of endings) {
      const { id } = ending.job;
      const finding = this.#compare(ending, rows.get(id));
      if (finding === null) this.#open.delete(id);
      else this.#open.set(id, finding);
    }
    if (this.#open.size > OPEN_MAX) await this.settle(next);
  }

  /** What is open is a finding, unless an entry from `next` up, or one that waits for its place, is about that job. */
  async settle(next: number): Promise<void> {
    if (this.#open.size === 0) return;
    const later = new Set(await readJobsSealedFrom(this.#tx, next, [...this.#open.keys()]));
    for (const [id, finding] of this.#open) if (!later.has(id)) this.#find(finding);
    this.#open.clear();
  }

  #compare({ index, time, job }: Ending, row: JobState | undefined): Finding | null {
    if (row === undefined) {
      if (Date.parse(time) < this.#retainedUntil_ms + CLOCKS_APART_MS) return null;
      const message = `the job of entry ${index} is not there, and retention did not take it`;
      return { kind: "job_missing", at: index, message };
    }
    // Somebody had it tried again, and that has not ended yet.
    if (row.status === "waiting" || row.status === "running") return null;
    if (isSameJob(job, row)) return null;
    const message = `the job of entry ${index} is not as it was sealed`;
    return { kind: "job_changed", at: index, message };
  }
}

const isSameJob = (sealed: SealedJob, row: JobState): boolean =>
  row.topic === sealed.topic &&
  row.status === sealed.status &&
  row.attempts === sealed.attempts &&
  row.error === (sealed.error?.slice(0, ERROR_LENGTH_MAX).toWellFormed() ?? null) &&
  isSameResult(sealed.result, row.result);

function isSameResult(sealed: unknown, text: string | null): boolean {
  if (text === null) return sealed === null;
  try {
    return canonicalJson(parseJson(text)) === canonicalJson(sealed);
  } catch {
    return false;
  }
}
