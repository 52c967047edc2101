import { delayOf, RETRIED, RETRY_AFTER_MAX_MS, retryAfterOf } from "./backoff.ts";
import { SealbaseUnanswered } from "./errors.ts";
import type { Sent } from "./request.ts";

export interface Sending {
  readonly fetch: typeof fetch;
  readonly retries: number;
  readonly timeout_ms: number;
  readonly signal: AbortSignal | undefined;
  readonly idempotencyKey: string | undefined;
}

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  readonly attempts: number;
}

/**
 * Sends a call until an answer comes that a repetition would not change, at most `retries` times more. Every attempt
 * is the same request, so that with its Idempotency-Key a write is done at most once.
 */
export async function send(sent: Sent, sending: Sending): Promise<Received> {
  const { retries, signal, idempotencyKey } = sending;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const outcome = await attemptOnce(sent, sending);
    const wait_ms = waitAfter(outcome, attempt);
    if (attempt <= retries && wait_ms !== undefined) {
      await sleep(wait_ms, signal);
      continue;
    }
    if ("answer" in outcome) return { ...outcome.answer, attempts: attempt };
    throw new SealbaseUnanswered(outcome.why, {
      attempts: attempt,
      idempotencyKey,
      cause: outcome.cause,
    });
  }
}

type Answered = Omit<Received, "attempts">;
type Failed = { why: string; cause?: unknown; status?: number; headers?: Headers };

async function attemptOnce(
  { url, method, headers, body }: Sent,
  { fetch, timeout_ms, signal }: Sending,
): Promise<{ answer: Answered } | Failed> {
  const timeout = AbortSignal.timeout(timeout_ms);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers,
      // A redirect would send the call, or its key, somewhere else.
      redirect: "manual",
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      ...(body === undefined ? {} : { body }),
    });
    text = await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    return { why: timeout.aborted ? `No answer in ${timeout_ms} ms` : "No connection", cause };
  }
  const { status, headers: received } = response;
  try {
    return { answer: { status, headers: received, body: JSON.parse(text) } };
  } catch (cause) {
    const why = `What answered with status ${status} is not Sealbase: its answer is not JSON`;
    return { why, cause, status, headers: received };
  }
}

/** Milliseconds to wait before the next attempt; undefined when there should be none. */
function waitAfter(outcome: { answer: Answered } | Failed, attempt: number): number | undefined {
  const { status, headers } = "answer" in outcome ? outcome.answer : outcome;
  const delay_ms = delayOf(attempt, Math.random());
  if (status === undefined) return delay_ms;
  if (!RETRIED.has(status)) return undefined;
  const asked_ms = retryAfterOf(headers?.get("Retry-After") ?? null, Date.now()) ?? 0;
  return asked_ms > RETRY_AFTER_MAX_MS ? undefined : Math.max(delay_ms, asked_ms);
}

export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
