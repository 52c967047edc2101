import { z } from "zod";
import { type Checked } from "./check.ts";
import { DIFFERENCES } from "./deployed.ts";

export const command = z.enum(["select", "insert", "update", "delete"]);

/** A row policy as every face shows it, beside what this database has under its name. */
export const rowPolicy = z
  .object({
    id: z.uuid(),
    set: z.string(),
    policy_version_id: z.uuid(),
    outdated: z.boolean().describe("Another version of the set decides now: compile it again"),
    action: z.string(),
    resource_type: z.string(),
    schema: z.string(),
    table: z.string(),
    command,
    roles: z.array(z.string()),
    policy_name: z.string(),
    function_name: z.string(),
    body_hash: z.string().describe("SHA-256 of the function's body"),
    watched: z.boolean(),
    state: z
      .enum(["deployed", "missing", "drifted"])
      .describe(
        "What this database has under its name; a table that stands elsewhere is missing here",
      ),
    differences: z.array(z.enum(DIFFERENCES)),
    created_by: z.string(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "RowPolicy" });

export const rowPolicyShown = ({
  policy,
  state,
  differences,
}: Checked): z.input<typeof rowPolicy> => ({
  id: policy.id,
  set: policy.set,
  policy_version_id: policy.policyVersionId,
  outdated: policy.outdated,
  action: policy.action,
  resource_type: policy.resourceType,
  schema: policy.tableSchema,
  table: policy.tableName,
  command: policy.command,
  roles: policy.roles,
  policy_name: policy.policyName,
  function_name: policy.functionName,
  body_hash: policy.bodyHash,
  watched: policy.watched,
  state,
  differences: [...differences],
  created_by: policy.createdBy,
  created_at: policy.createdAt.toISOString(),
});
