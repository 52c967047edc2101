import type { Tx } from "#kernel/db.ts";
import type { EntryOf, Ports, SecurityEvent } from "./ports.ts";
import { sealIn } from "./seal-in.ts";

/** The entry that seals an event which no call made. */
export const entryOfEvent = (
  { id, kind, severity, actor, requestId, facts, time_ms }: SecurityEvent,
  refs: EntryOf["refs"] = {},
): EntryOf => ({
  id,
  time_ms,
  kind: "event",
  actor,
  action: "security.event.record",
  outcome: "done",
  refs: { request: requestId, ...refs },
  payload: { event: { kind, severity, actor, facts } },
});

/**
 * Tells of what a transaction did by an event that is sealed with it. Call `ledger.ready` before that transaction and
 * `ledger.wake` after it.
 */
export const sealEvent = (
  tx: Tx,
  ports: Pick<Ports, "ledger" | "revision" | "telemetry">,
  tenantId: string,
  event: SecurityEvent,
  refs: EntryOf["refs"] = {},
): Promise<void> =>
  sealIn(tx, ports, tenantId, [entryOfEvent(event, refs)], ports.telemetry.eventRows(event));
