import { type Facts, Refusal } from "#kernel/refusal.ts";

export const invalid = (facts: Facts) =>
  new Refusal(
    "request/invalid",
    400,
    "The input does not fit the operation",
    facts,
    "Correct the fields that `issues` names and send the call again.",
  );

export const badRequestId = () =>
  new Refusal(
    "request/bad_request_id",
    400,
    "X-Request-Id must be 1 to 128 visible ASCII characters",
    {},
    "Send another X-Request-Id, or none and one is made.",
  );

export const badIdempotencyKey = () =>
  new Refusal(
    "request/bad_idempotency_key",
    400,
    "Idempotency-Key must be 1 to 200 visible ASCII characters",
    {},
    "Send a UUID as the Idempotency-Key.",
  );

export const idempotencyConflict = (key: string) =>
  new Refusal(
    "request/idempotency_conflict",
    409,
    "This Idempotency-Key was used with another body",
    { idempotency_key: key },
    "Send the first body again to get its answer, or use a new key for a new call.",
  );

/** The call was done: it is neither done again nor answered. */
export const answerErased = (key: string, decisionId: string) =>
  new Refusal(
    "request/answer_erased",
    410,
    "The answer that this Idempotency-Key got was erased",
    { idempotency_key: key, call: decisionId },
    "Use a new key for a new call.",
  );

export const denied = (facts: Facts, help: string) =>
  new Refusal(
    "policy/denied",
    403,
    "The policies of this project do not allow this call",
    facts,
    help,
  );

export const notForAgents = (operation: string) =>
  new Refusal(
    "policy/not_for_agents",
    403,
    "This operation is for people, whatever the policies say",
    { operation },
    "Ask a person to do it with a key of their own.",
  );

export const notInSession = (operation: string, writes: readonly string[]) =>
  new Refusal(
    "policy/not_in_session",
    403,
    "The agent session does not name this operation among its writes",
    { operation, writes },
    "Ask for a session whose `writes` names it.",
  );

export const budgetSpent = (sessionId: string) =>
  new Refusal(
    "policy/budget_spent",
    403,
    "The agent session has no calls left, or has ended",
    { agent_session_id: sessionId },
    "Ask for a new session.",
  );

export const approvalNeeded = (approvalId: string, actor: string) =>
  new Refusal(
    "policy/approval_needed",
    403,
    "A policy wants a person to approve this call of an agent",
    { approval_id: approvalId, actor },
    "Send the very same call again once the approval was granted: POST /v1/approvals/{id}/settle.",
  );

export const tooRisky = (facts: Facts) =>
  new Refusal(
    "score/too_risky",
    403,
    "The risk score of this call is above the project's threshold",
    facts,
    "Review the reasons; raise the project's score_max or change the call, then send it with a new Idempotency-Key.",
  );

export const overloaded = (waiting: number) =>
  new Refusal(
    "seal/overloaded",
    503,
    "Too many calls wait to be written",
    { waiting },
    "Wait a second and send the call again with the same Idempotency-Key.",
  );

export const outcomeUnknown = (decisionId: string) =>
  new Refusal(
    "seal/outcome_unknown",
    503,
    "The connection to PostgreSQL broke while the call was being written",
    { decision_id: decisionId },
    "Send the call again with the same Idempotency-Key: it is done at most once.",
  );

export const restless = () =>
  new Refusal(
    "policy/unsettled",
    503,
    "Policies or keys of this project changed during every attempt to decide the call",
    {},
    "Send the call again.",
  );

export const tooManyStreams = (inProject: number) =>
  new Refusal(
    "request/too_many_streams",
    429,
    "This server follows as many streams as it can",
    { streams_of_project: inProject },
    "End streams that nobody reads, or connect to another server.",
  );

/** The same words for a log that is closed to strangers and for one that is not there. */
export const logMissing = () =>
  new Refusal(
    "request/log_missing",
    404,
    "There is no log here that you may read",
    {},
    "Check the project's id; a log that is not open to everybody wants an API key of its project.",
  );

export const tooManyStrangers = (waiting: number) =>
  new Refusal(
    "request/too_many_strangers",
    503,
    "This server reads for as many callers without a key as it can at once",
    { waiting },
    "Ask again in a second, or read from a mirror.",
  );
