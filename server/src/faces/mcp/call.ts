import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Operation, Parts, Principal } from "#pipeline";
import { invoke, refusalFor } from "../invoke.ts";
import type { Asking } from "./catalog.ts";
import { refuseUnbounded } from "./principal.ts";
import { doneResult, facts, refusedResult } from "./result.ts";
import { followFor } from "./stream.ts";

/** One call of a tool is one call of its operation: decided, scored and sealed by itself. */
export async function callOperation(
  parts: Parts,
  operation: Operation,
  principal: Principal,
  input: unknown,
  { credential, address, requestId, idempotencyKey, signal, context }: Asking,
): Promise<CallToolResult> {
  const incoming = { credential, address, requestId, idempotencyKey, signal };
  try {
    refuseUnbounded(operation, principal);
  } catch (error) {
    const refusal = refusalFor(error, parts.log, requestId);
    const { code } = refusal;
    parts.metrics.calls.inc({ operation: operation.name, outcome: "refused", code });
    return refusedResult(refusal, requestId);
  }
  if (operation.kind === "stream")
    return followFor(parts, operation, input, incoming, tellerOf(context));
  const { outcome, refusal } = await invoke(parts, operation, { ...incoming, input });
  if (refusal !== undefined) return refusedResult(refusal, requestId);
  return doneResult(outcome.output, facts(outcome));
}

/** Tells how far a long call is, if its caller gave a token for that. */
function tellerOf({
  mcpReq,
}: Asking["context"]): (progress: number, total: number | undefined) => Promise<void> {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return async () => undefined;
  return (progress, total) => {
    const params = { progressToken, progress, ...(total === undefined ? {} : { total }) };
    return mcpReq.notify({ method: "notifications/progress", params });
  };
}
