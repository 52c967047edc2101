import { z } from "zod";
import { operation } from "#pipeline";
import { authorizedFilter, filterText } from "../filter/filter.ts";
import { openRequest, openValidated, refusing } from "../filter/open.ts";
import { mapping, mappingOf, participants } from "../filter/shapes.ts";
import { setName } from "../sets/shapes.ts";
import { actionType, entity, name, values } from "./decision-ask.ts";

const param = z.union([z.string(), z.array(z.string())]);

export const resourceFilterCompile = operation({
  name: "authz.resource-filter.compile",
  summary:
    "Which resources of a type may this principal do this to? The answer is a condition in SQL, for a list of one's own.",
  rest: "POST /v1/policies/{set}/filter",
  kind: "read",
  input: z.strictObject({
    set: setName,
    principal: z.strictObject({ type: name, id: name, groups: z.array(name).max(100).default([]) }),
    action: name.describe("As the schema of the set declares it"),
    action_type: actionType,
    resource_type: name,
    context: values.default({}),
    entities: z
      .array(entity)
      .max(1_000)
      .default([])
      .describe(
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
    const { set, principal, action, action_type: actionTypeName, context, entities } = input;
    const { version, number, schema } = await openValidated(tx, set);
    const question = {
      principal,
      action: { type: actionTypeName, id: action, groups: [] },
      resource: { type: input.resource_type, id: "" },
      context,
      entities,
    };
    return refusing(() => {
      const request = openRequest(question, schema, time_ms, ["resource"]);
      const filter = authorizedFilter(version.policies, schema, request, mappingOf(input.mapping));
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
        policy_version_id: version.id,
        policy_version: number,
      };
    });
  },
});
