import { Refusal } from "#kernel/refusal.ts";

export const sessionMissing = (id: string) =>
  new Refusal(
    "action/agent_session_missing",
    404,
    "This project has no agent session of this id",
    { id },
    "List them: GET /v1/agent-sessions.",
  );

export const approvalNotWaiting = (id: string) =>
  new Refusal(
    "action/approval_not_waiting",
    409,
    "No approval of this id waits to be decided",
    { id },
    "It was decided, has expired, or never was: GET /v1/approvals says which.",
  );
