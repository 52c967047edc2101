import { z } from "zod";
import { operation } from "#pipeline";
import { readRetentionPolicies } from "../queries.ts";
import { retentionPolicy, retentionPolicyShown } from "../shapes.ts";

export const retentionPolicyList = operation({
  name: "ops.retention-policy.list",
  summary: "How long the project keeps what; tables that are not named keep their rows for ever.",
  rest: "GET /v1/retention-policies",
  kind: "read",
  input: z.strictObject({}),
  output: z.object({ items: z.array(retentionPolicy) }),

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  action: async ({ tx }) => ({
    items: (await readRetentionPolicies(tx)).map(retentionPolicyShown),
  }),
});
