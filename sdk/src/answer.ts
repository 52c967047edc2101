import { isProblem, SealbaseRefusal, SealbaseUnanswered } from "./errors.ts";
import type { Answer, Meta, Result } from "./method.ts";
import type { Received } from "./send.ts";

/** What the server said, or the refusal that it said it with. */
export function answerOf(
  received: Received,
  idempotencyKey: string | undefined,
  many: boolean,
): Answer<unknown> {
  const { status, body, attempts } = received;
  if (status >= 200 && status < 300) {
    const output = many ? resultsOf(body) : body;
    if (output !== undefined) return { output, meta: metaOf(received, idempotencyKey) };
  }
  if (isProblem(body)) throw new SealbaseRefusal(body);
  throw new SealbaseUnanswered(`What answered with status ${status} is not Sealbase`, {
    attempts,
    idempotencyKey,
  });
}

function resultsOf(body: unknown): readonly Result<unknown>[] | undefined {
  const { results } = body as { results?: readonly Record<string, unknown>[] };
  return results?.map(({ ok, status, output, problem }) =>
    ok === true || !isProblem(problem)
      ? { ok: true, status: status as number, output }
      : { ok: false, status: status as number, refusal: new SealbaseRefusal(problem) },
  );
}

function metaOf({ status, headers, attempts }: Received, idempotencyKey: string | undefined): Meta {
  return {
    id: headers.get("Sealbase-Call"),
    requestId: headers.get("X-Request-Id") ?? "",
    status,
    entry: entryOf(headers.get("Sealbase-Entry")),
    repeated: headers.get("Idempotency-Replayed") === "true",
    timings_ms: timingsOf(headers.get("Server-Timing")),
    attempts,
    idempotencyKey,
  };
}

/** `index=41, size=42` */
function entryOf(header: string | null): Meta["entry"] {
  const numbers = /^index=(\d+), size=(\d+)$/.exec(header ?? "");
  return numbers === null ? null : { index: Number(numbers[1]), size: Number(numbers[2]) };
}

/** `request;dur=0.10, policy;dur=0.20` */
function timingsOf(header: string | null): Record<string, number> {
  const steps = (header ?? "").matchAll(/(\w+);dur=([\d.]+)/g);
  return Object.fromEntries([...steps].map(([, step, ms]) => [step, Number(ms)]));
}
