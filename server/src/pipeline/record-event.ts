import type { Committer } from "./committer.ts";
import type { Ports, SecurityEvent } from "./ports.ts";
import { entryOfEvent } from "./seal-event.ts";

/** A security event that no call made, and an entry that seals it: nobody takes it away unseen, and who follows the log hears of it. */
export async function recordEvent(
  { ledger, telemetry }: Pick<Ports, "ledger" | "telemetry">,
  committer: Committer,
  tenantId: string,
  event: SecurityEvent,
): Promise<void> {
  const { id } = event;
  const sealed = await ledger.rows(tenantId, entryOfEvent(event));
  await committer.commit({ tenantId, id, rows: [...telemetry.eventRows(event), ...sealed] });
  ledger.wake(tenantId);
}
