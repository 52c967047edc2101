import type { System } from "../../server/src/faces/system.ts";
import type { Append } from "../../server/src/kernel/append.ts";
import { newId } from "../../server/src/kernel/ids.ts";

/** An entry without decision or score, with a payload like that of a call: about 440 and 500 bytes. */
export async function entryRows(
  { parts }: System,
  tenantId: string,
  n: number,
): Promise<{ id: string; rows: readonly Append[] }> {
  const id = newId();
  const rows = await parts.ledger.rows(tenantId, {
    id,
    time_ms: Date.now(),
    kind: "job",
    actor: `ServiceAccount:${tenantId}`,
    action: "risk.transaction.assess",
    outcome: "done",
    refs: { decision: id, request: `request-${n}`, transaction: id },
    payload: { n, text: PAYLOAD },
  });
  return { id, rows };
}

const PAYLOAD = "payment ".repeat(60);
