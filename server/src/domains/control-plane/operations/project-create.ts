import { z } from "zod";
import { operation } from "#pipeline";
import { createProject } from "../projects.ts";
import { name, SCORE_MAX, scoreMax, slug } from "../shapes.ts";

export const projectCreate = operation({
  name: "control-plane.project.create",
  summary: "Makes a project of the organization, with an administrator whose key is shown once.",
  rest: "POST /v1/projects",
  kind: "write",
  agents: "never",
  status: 201,
  scope: "organization",
  input: z.strictObject({ name, slug, score_max: scoreMax.default(SCORE_MAX) }),
  output: z.object({
    id: z.uuid(),
    service_account_id: z.uuid(),
    api_key_id: z.uuid(),
    key: z.string().optional().describe("Shown once"),
  }),
  secrets: ["key"],

  policy: { resource: { type: "Organization", id: ({ principal }) => principal.organizationId } },
  score: "none",
  async action({ tx, input, principal, ports }) {
    const made = await createProject(tx, ports.projectCreated, {
      organizationId: principal.organizationId,
      name: input.name,
      slug: input.slug,
      scoreMax: input.score_max,
      createdBy: `${principal.type}:${principal.id}`,
    });
    return {
      id: made.id,
      service_account_id: made.serviceAccountId,
      api_key_id: made.apiKeyId,
      key: made.key,
    };
  },
  subject: ({ id }) => ({ type: "project", id }),
});
