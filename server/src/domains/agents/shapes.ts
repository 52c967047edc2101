import { z } from "zod";
import { parseJson } from "#verifier";
import type { StoredApproval, StoredSession } from "./queries.ts";

const time = z.iso.datetime();

export const agentSession = z
  .object({
    id: z.uuid(),
    service_account_id: z.uuid().describe("In whose name it acts"),
    name: z.string(),
    writes: z
      .array(z.string())
      .describe("Operations that change something, or beginnings of their names"),
    calls_max: z.int(),
    calls_used: z.int(),
    expires_at: time,
    ended_at: time.nullable(),
    created_by: z.string(),
    created_at: time,
  })
  .meta({ id: "AgentSession" });

export const agentSessionShown = (row: StoredSession): z.input<typeof agentSession> => ({
  id: row.id,
  service_account_id: row.serviceAccountId,
  name: row.name,
  writes: row.writes,
  calls_max: row.callsMax,
  calls_used: row.callsUsed,
  expires_at: row.expiresAt.toISOString(),
  ended_at: row.endedAt?.toISOString() ?? null,
  created_by: row.createdBy,
  created_at: row.createdAt.toISOString(),
});

export const approval = z
  .object({
    id: z.uuid(),
    agent_session_id: z.uuid(),
    operation: z.string(),
    input: z.json().describe("The call's input: what is approved is this and nothing else"),
    decision_id: z.uuid(),
    status: z.enum(["waiting", "granted", "refused", "used"]),
    expires_at: time,
    decided_by: z.string().nullable(),
    reason: z.string().nullable(),
    created_at: time,
  })
  .meta({ id: "Approval" });

export const approvalShown = (row: StoredApproval): z.input<typeof approval> => ({
  id: row.id,
  agent_session_id: row.agentSessionId,
  operation: row.operation,
  input: parseJson(row.input),
  decision_id: row.decisionId,
  status: row.status,
  expires_at: row.expiresAt.toISOString(),
  decided_by: row.decidedBy,
  reason: row.reason,
  created_at: row.createdAt.toISOString(),
});
