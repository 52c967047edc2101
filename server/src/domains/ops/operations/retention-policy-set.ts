import { z } from "zod";
import { newId } from "#kernel/ids.ts";
import { operation } from "#pipeline";
import { KEEP_DAYS_MIN, RETAINED_TABLES, setRetention } from "../queries.ts";
import { keptTooShort } from "../refusals.ts";
import { retentionPolicy, retentionPolicyShown } from "../shapes.ts";

export const retentionPolicySet = operation({
  name: "ops.retention-policy.set",
  summary:
    "Says how long the project keeps the rows of a table; the daily retention job follows it.",
  rest: "POST /v1/retention-policies",
  kind: "write",
  agents: "never",
  input: z.strictObject({
    table: z.enum(RETAINED_TABLES),
    keep_days: z.int().min(1).max(36_500),
  }),
  output: retentionPolicy,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { table, keep_days }, principal }) {
    const min = KEEP_DAYS_MIN[table] ?? 1;
    if (keep_days < min) throw keptTooShort(table, keep_days, min);
    const set = await setRetention(tx, principal.tenantId, {
      id: newId(),
      tableName: table,
      keepDays: keep_days,
      createdBy: `${principal.type}:${principal.id}`,
    });
    return retentionPolicyShown(set);
  },
  subject: ({ id }) => ({ type: "retention_policy", id }),
});
