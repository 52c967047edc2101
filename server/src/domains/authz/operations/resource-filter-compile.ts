import { z } from "zod";
import { operation } from "#pipeline";
import { askedOf, asking } from "../asking.ts";
import { authorizedFilter, filterText } from "../filter/filter.ts";
import { openRequest, openValidated, refusing } from "../filter/open.ts";
import { mapping, mappingOf, participants } from "../filter/shapes.ts";
import { setName } from "../sets/shapes.ts";

const param = z.union([z.string(), z.array(z.string())]);

export const resourceFilterCompile = operation({
  name: "authz.resource-filter.compile",
  summary:
    "Which resources of a type may this principal do this to? The answer is a condition in SQL, for a list of one's own.",
  rest: "POST /v1/policies/{set}/filter",
  kind: "read",
  input: z.strictObject({
    set: setName,
    principal: asking.principal,
    action: asking.action,
    action_type: asking.action_type,
    resource_type: asking.resource.shape.type,
    context: asking.context,
    entities: asking.entities.describe(
      "What is known of the principal and what it is in; of the resources, their rows tell",
    ),
    mapping,
    first_param: z
      .int()
      .min(1)
      .max(50_000)
      .default(1)
      .describe("Number of the first parameter, behind those that your statement has"),
  }),
  output: z.object({
    rows: z
      .enum(["none", "some", "all"])
      .describe("none: leave the statement; all: whatever stands in them"),
    sql: z.string().describe("For a where, beside your own conditions; it is never null"),
    params: z.array(param).describe("For $1, $2 …: texts, or arrays of them"),
    policies: participants.describe("Those that take part, with what is left of them"),
    policy_version_id: z.uuid(),
    policy_version: z.int().describe("Its number in the set"),
  }),

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ tx, time_ms, input }) {
    const { id: versionId, number, policies, schema } = await openValidated(tx, input.set);
    const question = askedOf({ ...input, resource: { type: input.resource_type, id: "" } });
    return refusing(() => {
      const request = openRequest(question, schema, time_ms, ["resource"]);
      const filter = authorizedFilter(policies, schema, request, mappingOf(input.mapping));
      const { text, params } = filterText(filter, input.first_param);
      return {
        rows: filter.rows,
        sql: text,
        params: params.map((value) => (typeof value === "string" ? value : [...value])),
        policies: filter.policies.map(({ id, effect, residual }) => ({
          id,
          effect,
          residual: residual as z.core.util.JSONType,
        })),
        policy_version_id: versionId,
        policy_version: number,
      };
    });
  },
});
