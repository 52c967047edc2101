import type { Tx } from "#kernel/db.ts";
import type { Question } from "#pipeline";
import { parseJson } from "#verifier";
import { RECOVERY, RECOVERY_POLICIES } from "./oracle/recovery.ts";
import { decideBy, reopenVersion } from "./policy.ts";
import { readForReplay } from "./queries.ts";

export interface Replayed {
  readonly id: string;
  readonly outcome: { readonly recorded: string; readonly replayed: string };
  readonly trace_hash: { readonly recorded: string; readonly replayed: string };
  readonly agrees: boolean;
}

/** Decides a recorded question again from what was kept, and compares; undefined when there is no such decision. */
export async function replayDecision(tx: Tx, id: string): Promise<Replayed | undefined> {
  const kept = await readForReplay(tx, id);
  if (kept === undefined) return undefined;
  const { decision, slice, version } = kept;
  // A slice that is gone cannot agree: the hash of what stands in for it differs.
  const known = parseJson(
    slice ?? '{"principal":{"type":"","id":"","groups":[]},"action":{"id":"","groups":[]}}',
  );
  const question: Question = {
    principal: known.principal,
    action: known.action,
    resource: { type: decision.resource_type, id: decision.resource_id },
    context: parseJson(decision.context),
    entities: known.entities ?? [],
  };
  // While the default set was quarantined the server's own policy decided.
  const own = decision.reasons.includes(RECOVERY) ? RECOVERY_POLICIES : null;
  const again = decideBy(version === null ? own : reopenVersion(version), question);
  return {
    id,
    outcome: { recorded: decision.outcome, replayed: again.outcome },
    trace_hash: { recorded: decision.trace_hash, replayed: again.traceHash },
    agrees: again.traceHash === decision.trace_hash && again.outcome === decision.outcome,
  };
}
