import { Refusal, type Step } from "#kernel/refusal.ts";
import type { Chain } from "./chain.ts";
import type { Operation } from "./operation.ts";
import type { Parts } from "./parts.ts";
import type { Place } from "./ports.ts";

/** What a face gets for a call that was done. */
export interface Outcome {
  readonly output: unknown;
  readonly status: number;
  readonly requestId: string;
  /** Also the id of the call's decision, score and ledger entry. */
  readonly id: string;
  /** Where the entry stands; null for reads and when the caller did not wait. */
  readonly place: Place | null;
  /** True when this is the stored answer of an earlier call with the same Idempotency-Key. */
  readonly repeated: boolean;
  readonly timings_ms: Readonly<Record<Step, number>>;
}

export function outcomeOf(chain: Chain, output: unknown, place: Place | null): Outcome {
  const { operation, requestId, id, timings_ms } = chain;
  return {
    output,
    status: operation.status ?? 200,
    requestId,
    id,
    place,
    repeated: false,
    timings_ms,
  };
}

/** Waits for what the caller asked to wait for: nothing more, or a checkpoint that covers the entry. */
export async function acknowledge(
  parts: Parts,
  { request, incoming }: Chain,
  entryId: string,
): Promise<Place | null> {
  const { tenantId } = request.principal;
  parts.ledger.wake(tenantId);
  return incoming.acknowledge === "durable" ? null : parts.ledger.published(tenantId, entryId);
}

/** Counts what a caller gets, once a call: done, refused (and why), or failed by a bug of ours; and tells of a slow one. */
export async function counted(
  { metrics, slow }: Parts,
  { name: operation }: Operation,
  { requestId, timings_ms: steps_ms }: Pick<Outcome, "requestId" | "timings_ms">,
  call: Promise<Outcome>,
): Promise<Outcome> {
  const start_ms = performance.now();
  const tell = (callId: string | undefined, outcome: string) =>
    slow.call(performance.now() - start_ms, () => ({
      operation,
      requestId,
      callId,
      outcome,
      steps_ms,
    }));
  try {
    const outcome = await call;
    metrics.calls.inc({ operation, outcome: "done", code: "" });
    tell(outcome.id, "done");
    return outcome;
  } catch (error) {
    const [outcome, code] = error instanceof Refusal ? ["refused", error.code] : ["failed", ""];
    metrics.calls.inc({ operation, outcome, code });
    tell(error instanceof Refusal ? error.callId : undefined, code === "" ? outcome : code);
    throw error;
  }
}
