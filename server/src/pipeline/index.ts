/** The door of the pipeline: what domains declare, what faces call, what main.ts joins. */
import { Committer } from "./committer.ts";
import type { Parts } from "./parts.ts";
import type { Ports } from "./ports.ts";
import { ReadLog } from "./read-log.ts";
import { Strangers } from "./strangers.ts";
import { Suspicions } from "./suspicions.ts";

export { IDEMPOTENCY_KEY_MAX, isRequestId } from "./1-request.ts";
export { actionOf, contextOf, dottedGroups, resourceOf } from "./2-policy.ts";
export { cancelled, deadlineExceeded } from "./cancelled.ts";
export type { Incoming } from "./chain.ts";
export { factsOf } from "./facts.ts";
export {
  type Call,
  type Ending,
  type Operation,
  operation,
  type Recorded,
  type StreamCall,
  type TxCall,
} from "./operation.ts";
export type { Outcome } from "./outcome.ts";
export type { Parts } from "./parts.ts";
export { run } from "./pipeline.ts";
export * from "./ports.ts";
export { etagOf, namesTag } from "./precondition.ts";
export { digestOf } from "./read-log.ts";
export { recordEvent } from "./record-event.ts";
export { badIdempotencyKey, logMissing } from "./refusals.ts";
export { sealEvent } from "./seal-event.ts";
export { sealIn } from "./seal-in.ts";
export { type OpenStream, openStream } from "./stream.ts";

/** Completes the ports with the pipeline's own writers. */
export function openPipeline(ports: Ports): Parts {
  const committer = new Committer(ports.db, ports.revision, ports.metrics);
  return {
    ...ports,
    committer,
    reads: new ReadLog(ports, committer),
    suspicions: new Suspicions(ports, committer),
    strangers: new Strangers(ports),
  };
}
