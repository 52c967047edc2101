import type { Log } from "#kernel/log.ts";
import { Refusal } from "#kernel/refusal.ts";
import { type Incoming, type Operation, type Outcome, type Parts, run } from "#pipeline";

/** What every face gets for a call. */
export type Result =
  | { readonly outcome: Outcome; readonly refusal?: undefined }
  | { readonly refusal: Refusal; readonly outcome?: undefined };

/** Runs a call for a face. Never throws: a bug is logged, and told as a refusal that gives nothing away. */
export async function invoke(
  parts: Parts,
  operation: Operation,
  incoming: Incoming,
): Promise<Result> {
  try {
    return { outcome: await run(parts, operation, incoming) };
  } catch (error) {
    return { refusal: refusalFor(error, parts.log, incoming.requestId) };
  }
}

/** The refusal that was thrown; a bug of ours is logged and becomes `action/failed`. */
export function refusalFor(error: unknown, log: Log, requestId: string | undefined): Refusal {
  if (error instanceof Refusal) return error;
  log.error({ err: error, request_id: requestId }, "a call failed");
  return failed();
}

/** The log has it under the request's id; the caller learns nothing that could be misused. */
const failed = () =>
  new Refusal(
    "action/failed",
    500,
    "The call failed for a reason that is not the caller's",
    {},
    "Send it again with the same Idempotency-Key; if it fails again, report the request id.",
  );
