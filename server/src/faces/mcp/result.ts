import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Refusal } from "#kernel/refusal.ts";
import type { Outcome } from "#pipeline";
import { aboutRefusal, marked } from "./marked.ts";

/** What a call that was done says of itself, beside its output. */
export const facts = (call: Pick<Outcome, "id" | "requestId"> & Partial<Outcome>) => ({
  "sealbase/call": call.id,
  "sealbase/request_id": call.requestId,
  ...(call.place == null
    ? {}
    : { "sealbase/entry": { index: call.place.index, size: call.place.size } }),
  ...(call.repeated === true ? { "sealbase/repeated": true } : {}),
});

/** The output twice: exact for programs, and marked as data for models. */
export const doneResult = (output: unknown, meta: ReturnType<typeof facts>): CallToolResult => ({
  content: [textOf(marked(output))],
  structuredContent: output,
  _meta: meta,
});

/** A refusal is an answer like any other: the model reads what would help. */
export function refusedResult(refusal: Refusal, requestId: string): CallToolResult {
  const structuredContent = refusalShown(refusal, requestId);
  return {
    isError: true,
    content: [textOf(marked(structuredContent, aboutRefusal(refusal.code)))],
    structuredContent,
    _meta: {
      "sealbase/request_id": requestId,
      ...(refusal.callId === undefined ? {} : { "sealbase/call": refusal.callId }),
    },
  };
}

export const refusalShown = (
  { code, message, status, facts, help }: Refusal,
  requestId: string,
) => ({
  code,
  message,
  status,
  facts,
  help,
  request_id: requestId,
});

const textOf = (text: string) => ({
  type: "text" as const,
  text,
  annotations: { audience: ["assistant" as const] },
});
