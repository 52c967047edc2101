import type { Tx } from "#kernel/db.ts";
import { readStoredTraces, type StoredTrace } from "./queries.ts";
import { stepText, traceHash } from "./trace.ts";

/** A decision's trace hash, as stored and as its stored rows give it. */
export interface Recomputed {
  readonly stored: string;
  readonly recomputed: string;
  readonly policyVersionId: string | null;
  /** Who asked, `Type:id`; the trace hash covers it. */
  readonly principal: string;
}

/**
 * Recomputes the trace hashes of decisions from everything that is stored of them: the decision, its steps, what it knew and
 * the policies that decided. An edit of any of these shows as another hash.
 */
export async function recomputeTraces(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, Recomputed>> {
  const traces = await readStoredTraces(tx, ids);
  return new Map(traces.map((stored) => [stored.id, recompute(stored)]));
}

function recompute(stored: StoredTrace): Recomputed {
  const { trace_hash, policy_version_id, resource_type, resource_id } = stored;
  const [name = "", version = ""] = stored.engine.split(" ");
  const recomputed = traceHash({
    ...stored,
    resource: { type: resource_type, id: resource_id },
    engine: { name, version },
    steps: stored.steps.map(stepText),
  });
  return {
    stored: trace_hash,
    recomputed,
    policyVersionId: policy_version_id,
    principal: stored.principal,
  };
}
