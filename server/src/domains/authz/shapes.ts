import { z } from "zod";
import { parseJson } from "#verifier";
import type { StoredDecision } from "./queries.ts";

/** A decision as every face shows it. */
export const decision = z
  .object({
    id: z.uuid(),
    asked_by: z.uuid().nullable(),
    request_id: z.string(),
    operation: z.string(),
    principal: z.string(),
    action: z.string(),
    resource: z.object({ type: z.string(), id: z.string() }),
    context: z.record(z.string(), z.json()),
    outcome: z.enum(["allow", "deny"]),
    policy_version_id: z.uuid().nullable(),
    reasons: z.array(z.string()),
    errors: z.array(z.string()),
    trace_hash: z.string(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Decision" });

export function shown(row: StoredDecision): z.input<typeof decision> {
  const { resource_type, resource_id, context, created_at, ...same } = row;
  return {
    ...same,
    resource: { type: resource_type, id: resource_id },
    context: parseJson(context),
    created_at: created_at.toISOString(),
  };
}
