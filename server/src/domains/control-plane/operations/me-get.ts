import { z } from "zod";
import { operation } from "#pipeline";

export const meGet = operation({
  name: "control-plane.me.get",
  summary: "Who this key belongs to.",
  rest: "GET /v1/me",
  kind: "read",
  input: z.strictObject({}),
  output: z.object({
    principal: z.object({
      type: z.string(),
      id: z.uuid(),
      name: z.string(),
      groups: z.array(z.string()),
    }),
    project: z.object({ id: z.uuid(), name: z.string(), score_max: z.number() }),
    organization_id: z.uuid(),
    api_key_id: z.uuid(),
  }),

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ principal }) {
    const { type, id, name, groups, tenantId, projectName, scoreMax, organizationId, apiKeyId } =
      principal;
    return {
      principal: { type, id, name, groups: [...groups] },
      project: { id: tenantId, name: projectName, score_max: scoreMax },
      organization_id: organizationId,
      api_key_id: apiKeyId,
    };
  },
});
