import { createHash } from "node:crypto";
import type { Db } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import type { AgentGate } from "#pipeline";
import { askApproval, findGranted, spendCall, takeApproval } from "./queries.ts";

/** A person has this long to decide, and the agent as long to use the answer. */
const APPROVAL_MS = 24 * 3_600_000;

/** Fills the pipeline's gate for agents. A call counts, and an approval is asked for, whatever becomes of the call. */
export const openGate = (db: Db): AgentGate => ({
  spend: (tenantId, sessionId) =>
    db.transaction({ role: "writer", tenantId }, (tx) => spendCall(tx, sessionId)),
  approve: (tenantId, { sessionId, operation, canonicalInput, decisionId, time_ms }) =>
    db.transaction({ role: "writer", tenantId }, async (tx) => {
      const asked = {
        id: newId(),
        sessionId,
        operation,
        input: canonicalInput,
        inputHash: createHash("sha256").update(canonicalInput).digest(),
        decisionId,
        expiresAt: new Date(time_ms + APPROVAL_MS),
      };
      return (await findGranted(tx, asked)) ?? { asked: await askApproval(tx, tenantId, asked) };
    }),
  useApproval: takeApproval,
});
