import { z } from "zod";
import { makeCredential } from "#kernel/credential.ts";
import { newId } from "#kernel/ids.ts";
import { instant } from "#kernel/instant.ts";
import { operation } from "#pipeline";
import { insertKey, isServiceAccount } from "../queries.ts";
import { serviceAccountMissing } from "../refusals.ts";
import { apiKey, apiKeyShown, name } from "../shapes.ts";

export const apiKeyCreate = operation({
  name: "control-plane.api-key.create",
  summary: "Makes an API key of a service account. The key is shown once.",
  rest: "POST /v1/api-keys",
  kind: "write",
  agents: "never",
  status: 201,
  input: z.strictObject({
    service_account_id: z.uuid(),
    name,
    expires_at: instant.optional(),
  }),
  output: z.object({ ...apiKey.shape, key: z.string().optional().describe("Shown once") }),
  secrets: ["key"],

  policy: { resource: { type: "ServiceAccount", id: ({ input }) => input.service_account_id } },
  score: "none",
  async action({ tx, input, principal }) {
    if (!(await isServiceAccount(tx, input.service_account_id)))
      throw serviceAccountMissing(input.service_account_id);
    const { key, prefix, hash } = makeCredential("sk");
    const made = await insertKey(tx, principal.tenantId, {
      id: newId(),
      serviceAccountId: input.service_account_id,
      name: input.name,
      prefix,
      hash,
      createdBy: `${principal.type}:${principal.id}`,
      expiresAt: input.expires_at ?? null,
    });
    return { ...apiKeyShown(made), key };
  },
  subject: ({ id }) => ({ type: "api_key", id }),
});
