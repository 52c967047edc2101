import { z } from "zod";
import { timestamp } from "#kernel/clock.ts";
import { operation } from "#pipeline";
import { askedOf, asking } from "../asking.ts";
import { sessionFilter } from "../filter/filter.ts";
import { openRequest, openValidated, refusing } from "../filter/open.ts";
import { tablePlaceMissing } from "../filter/refusals.ts";
import { mapping, mappingOf, participants } from "../filter/shapes.ts";
import { insertRowPolicy } from "../row-policies/queries.ts";
import { command } from "../row-policies/shapes.ts";
import { rowPolicyOf } from "../row-policies/statements.ts";
import { setName } from "../sets/shapes.ts";

const name = asking.resource.shape.type;
const sqlName = z.string().min(1).max(63);
const setting = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_]{0,29}\.[a-z_][a-z0-9_]{0,29}$/,
    "a setting of your own, like app.user_id",
  )
  .meta({ examples: ["app.user_id"] });

export const rowPolicyCompile = operation({
  name: "authz.row-policy.compile",
  summary:
    "Row security of a table, made of policies: statements for the owner of the table, and what later checks compare with.",
  rest: "POST /v1/policies/{set}/row-policies",
  kind: "write",
  status: 201,
  input: z.strictObject({
    set: setName,
    action: asking.action,
    action_type: asking.action_type,
    resource_type: name,
    command: command.default("select"),
    roles: z.array(sqlName).max(20).default([]).describe("Of the database; public unless told"),
    principal: z
      .strictObject({ type: name, setting })
      .describe("Who asks: a setting that the application makes in each transaction"),
    groups: z
      .array(z.strictObject({ type: name, setting }))
      .max(20)
      .default([])
      .describe(
        "All groups that the principal is in, through others, too, as an array like {staff,admins}",
      ),
    context: asking.context.describe("The same for every query"),
    mapping,
    watched: z
      .boolean()
      .default(true)
      .describe("Whether the daily check tells when the database has something else"),
  }),
  output: z.object({
    id: z.uuid(),
    policy_name: z.string(),
    function_name: z.string(),
    body_hash: z.string().describe("SHA-256 of the function's body"),
    statements: z.array(z.string()).describe("Run them as the table's owner, in one transaction"),
    policies: participants,
    policy_version_id: z.uuid(),
    policy_version: z.int().describe("Its number in the set"),
  }),

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ id, tx, time_ms, principal: caller, input }) {
    const { set, action, resource_type: resourceType, roles } = input;
    const { schema: tableSchema, table: tableName } = input.mapping;
    if (tableSchema === undefined || input.mapping.alias !== undefined)
      throw tablePlaceMissing(tableName);
    const { id: versionId, number, policies, schema } = await openValidated(tx, set);
    const question = askedOf({
      ...input,
      principal: { type: input.principal.type, id: "", groups: [] },
      resource: { type: resourceType, id: "" },
      entities: [],
    });
    const filter = refusing(() => {
      const request = openRequest(question, schema, time_ms, ["principal", "resource"]);
      const { principal, groups } = input;
      return sessionFilter(policies, schema, request, mappingOf(input.mapping), {
        principal,
        groups,
      });
    });
    const { tenantId } = caller;
    const place = { tenantId, set, action, resourceType, schema: tableSchema, table: tableName };
    const made = refusing(() => rowPolicyOf({ ...place, command: input.command, roles }, filter));
    const { policyName, functionName, body, bodyHash } = made;
    await insertRowPolicy(tx, tenantId, {
      id,
      policyVersionId: versionId,
      set,
      action,
      resourceType,
      tableSchema,
      tableName,
      command: input.command,
      roles,
      policyName,
      functionName,
      body,
      watched: input.watched,
      createdBy: `${caller.type}:${caller.id}`,
      createdAt: timestamp(time_ms),
    });
    return {
      id,
      policy_name: policyName,
      function_name: functionName,
      body_hash: bodyHash,
      statements: [...made.statements],
      policies: filter.policies.map(({ residual, ...same }) => ({
        ...same,
        residual: residual as z.core.util.JSONType,
      })),
      policy_version_id: versionId,
      policy_version: number,
    };
  },
  subject: ({ id }) => ({ type: "row_policy", id }),
});
