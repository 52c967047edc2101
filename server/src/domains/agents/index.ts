/** The door of agents: sessions with bounds, and people's approvals. */
import { agentSessionCreate } from "./operations/agent-session-create.ts";
import { agentSessionEnd } from "./operations/agent-session-end.ts";
import { agentSessionList } from "./operations/agent-session-list.ts";
import { approvalList } from "./operations/approval-list.ts";
import { approvalSettle } from "./operations/approval-settle.ts";

export { openGate } from "./gate.ts";
export { endSessionsOf, findSession, type SessionPart } from "./queries.ts";

export const operations = [
  agentSessionCreate,
  agentSessionList,
  agentSessionEnd,
  approvalList,
  approvalSettle,
];
