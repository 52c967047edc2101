import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { POLICY_TEMPLATES } from "../templates/index.ts";

const templates = listOf(
  z
    .object({
      name: z.string(),
      title: z.string(),
      description: z.string(),
      text: z.string().describe("Cedar; where it has slots, links fill them"),
      schema: z
        .string()
        .nullable()
        .describe("Types and actions that it names beside the platform's; null: none"),
      example: z.json().describe("Links, entities, and a request each that is allowed and denied"),
    })
    .meta({ id: "PolicyTemplate" }),
  ({ name }) => name,
);

export const policyTemplateList = operation({
  name: "authz.policy-template.list",
  summary: "Policies to begin with, each with what it needs and an example.",
  rest: "GET /v1/policies/templates",
  kind: "read",
  input: z.strictObject(page),
  output: templates.output,
  page: templates,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ input: { limit, cursor } }) {
    const after = readCursor(cursor, z.string()) ?? "";
    const items = POLICY_TEMPLATES.filter(({ name }) => name > after).map((template) => ({
      ...template,
      example: template.example as unknown as z.core.util.JSONType,
    }));
    return templates.page(items, limit);
  },
});
