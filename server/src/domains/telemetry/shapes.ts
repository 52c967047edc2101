import { z } from "zod";
import { parseJson } from "#verifier";
import type { Lineage } from "./queries.ts";

/** A call as `why` shows it: the five steps by name. */
export const chain = z
  .object({
    id: z.uuid(),
    time: z.iso.datetime(),
    outcome: z.enum(["done", "refused", "read"]),
    code: z.string().nullable(),
    request: z.object({
      id: z.string(),
      operation: z.string(),
      actor: z.string(),
      asked_by: z.uuid().nullable(),
      input: z.json().describe("Null for reads, and when the payload was erased or archived"),
    }),
    policy: z.object({
      outcome: z.enum(["allow", "deny"]).nullable(),
      principal: z.string().nullable(),
      action: z.string().nullable(),
      resource: z.object({ type: z.string().nullable(), id: z.string().nullable() }),
      context: z.json(),
      version: z.int().nullable(),
      reasons: z.array(z.string()),
      errors: z.array(z.string()),
      trace: z.array(z.json()),
      trace_hash: z.string().nullable(),
    }),
    score: z
      .object({
        value: z.number(),
        level: z.string(),
        reasons: z.array(z.string()),
        features: z.json(),
        score_max: z.number(),
        model: z.string(),
      })
      .nullable(),
    action: z.object({
      subject: z.object({ type: z.string(), id: z.uuid() }).nullable(),
      result: z.json(),
    }),
    seal: z
      .object({
        entry_id: z.uuid(),
        index: z.int().nullable(),
        payload: z
          .enum(["kept", "erased", "archived", "missing"])
          .describe("missing: gone, and nothing says why; verify the log"),
        erased_by: z.uuid().nullable().describe("The call that erased what was known of this one"),
      })
      .nullable(),
  })
  .meta({ id: "Chain" });

export function shown(call: Lineage): z.input<typeof chain> {
  const payload = call.payload === null ? null : parseJson(call.payload);
  return {
    id: call.id,
    time: call.created_at.toISOString(),
    outcome: call.outcome,
    code: call.code,
    request: {
      id: call.request_id,
      operation: call.operation,
      actor: call.actor,
      asked_by: call.asked_by,
      input: payload?.request?.input ?? null,
    },
    policy: {
      outcome: call.decision,
      principal: call.principal,
      action: call.action,
      resource: { type: call.resource_type, id: call.resource_id },
      context: call.context === null ? null : parseJson(call.context),
      version: call.policy_version,
      reasons: call.policy_reasons ?? [],
      errors: call.policy_errors ?? [],
      trace: (call.trace ?? []) as never[],
      trace_hash: call.trace_hash,
    },
    score: call.score === null ? null : scoreShown(call),
    action: {
      subject:
        call.subject_type === null ? null : { type: call.subject_type, id: call.subject_id! },
      result: payload?.outcome ?? null,
    },
    seal: call.entry_id === null ? null : sealShown(call, call.entry_id),
  };
}

const sealShown = (call: Lineage, entry_id: string) => ({
  entry_id,
  index: call.entry_index,
  payload: payloadState(call),
  erased_by: call.erased_by,
});

function payloadState({
  payload,
  erased_by,
  is_archived,
}: Lineage): "kept" | "erased" | "archived" | "missing" {
  if (erased_by !== null) return "erased";
  if (is_archived) return "archived";
  return payload === null ? "missing" : "kept";
}

const scoreShown = (call: Lineage) => ({
  value: Number(call.score),
  level: call.level!,
  reasons: call.score_reasons ?? [],
  features: parseJson(call.features!),
  score_max: Number(call.score_max),
  model: `${call.model} ${call.model_version}`,
});
