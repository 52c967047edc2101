import { newId } from "#kernel/ids.ts";
import { type Parts, sealIn } from "#pipeline";
import type { Finished, JobFailed } from "./jobs.ts";
import { bookAttempt, type ClaimedJob } from "./queries.ts";

/** Who does a job: the server's parts, its name among workers, and the signal of its end. */
export interface Worker {
  readonly parts: Parts;
  readonly worker: string;
  readonly stopping: AbortSignal;
}

/** For how long a job waits that was not done. */
interface Waits extends Pick<JobFailed, "held"> {
  readonly after_ms: number;
  readonly due?: JobFailed["due"];
}

export const ERROR_LENGTH_MAX = 1_000;

/** What came of an attempt, what it changed and the seal of it: all or nothing. */
export async function book(
  { parts, worker }: Worker,
  tenantId: string,
  job: ClaimedJob,
  status: "waiting" | "done" | "given_up" | "cancelled",
  { result = null, effect, event }: Finished,
  error: string | null,
  { after_ms, held, due }: Waits = { after_ms: 0, held: false },
): Promise<string> {
  const { db, ledger, telemetry, clock } = parts;
  const { id, topic, attempts, number, decisionId } = job;
  await ledger.ready(tenantId);
  const scope = { role: "writer", tenantId } as const;
  const booked = await db.transaction(scope, async (tx) => {
    const attempt = {
      id,
      worker,
      number,
      status,
      error: error?.slice(0, ERROR_LENGTH_MAX) ?? null,
      result: result === null ? null : JSON.stringify(result),
      after_ms: (await due?.(tx)) ?? after_ms,
      held,
    };
    if (!(await bookAttempt(tx, attempt))) return false;
    if (status === "waiting") return true;
    await effect?.(tx);
    const entryId = newId();
    const time_ms = clock();
    const actor = "Sealbase:server";
    const told = event && {
      ...event,
      id: entryId,
      actor,
      requestId: id,
      decisionId: null,
      time_ms,
    };
    await sealIn(
      tx,
      parts,
      tenantId,
      [
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
      ],
      told === undefined ? [] : telemetry.eventRows(told),
    );
    return true;
  });
  if (booked && status !== "waiting") ledger.wake(tenantId);
  return booked ? status : "lease_lost";
}
