import { cancelled, type Parts } from "#pipeline";
import { parseJson } from "#verifier";
import { book, type Worker } from "./book.ts";
import { backoffOf, type Handler, JobFailed } from "./jobs.ts";
import { type ClaimedJob, renewLease } from "./queries.ts";

/** A job is its worker's for this long; another takes it over when it is not renewed. */
export const LEASE_MS = 30_000;
const RENEW_MS = 1_000;

/** One try at a job that was claimed. Gives what came of it; never throws for what the job does. */
export async function attempt(
  worker: Worker,
  tenantId: string,
  job: ClaimedJob,
  handler: Handler | undefined,
): Promise<string> {
  const { parts, stopping } = worker;
  const control = new AbortController();
  const signal = AbortSignal.any([control.signal, stopping]);
  let progress = 0;
  let isCancelled = job.cancelRequested;
  const renew = async () => {
    const lease = { id: job.id, worker: worker.worker, lease_ms: LEASE_MS, progress };
    const kept = await parts.db.transaction({ role: "writer", tenantId }, (tx) =>
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
    if (handler === undefined)
      throw new JobFailed(`nothing here does jobs of the topic ${job.topic}`);
    const finished = await handler({
      id: job.id,
      tenantId,
      payload: parseJson(job.payload),
      attempt: job.attempts,
      signal,
      progress: (fraction) => {
        progress = Math.min(1, Math.max(0, fraction));
      },
    });
    clearInterval(timer);
    return await book(worker, tenantId, job, "done", finished, null);
  } catch (error) {
    clearInterval(timer);
    if (isCancelled) return await book(worker, tenantId, job, "cancelled", {}, "cancelled");
    // Given back at once: the server stops, which is not the job's fault.
    if (stopping.aborted)
      return await book(worker, tenantId, job, "waiting", {}, "the server stopped");
    const failure = failureOf(parts, error, job);
    const { held, due } = failure;
    const isLast = failure.final || (!held && job.attempts >= job.attemptsMax);
    const after_ms = failure.after_ms ?? backoffOf(job.attempts, Math.random());
    return await book(worker, tenantId, job, isLast ? "given_up" : "waiting", {}, failure.message, {
      after_ms,
      held,
      due,
    });
  }
}

function failureOf({ log }: Parts, error: unknown, { id, topic }: ClaimedJob): JobFailed {
  if (error instanceof JobFailed) return error;
  log.error({ err: error, job_id: id, topic }, "a job failed");
  return new JobFailed((error as { code?: string }).code ?? "it failed; the server's log says why");
}
