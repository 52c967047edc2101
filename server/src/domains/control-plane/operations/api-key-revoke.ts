import { z } from "zod";
import { endSessionsOf } from "#domains/agents";
import { operation } from "#pipeline";
import { revokeKey } from "../queries.ts";
import { apiKeyMissing } from "../refusals.ts";
import { apiKey, apiKeyShown } from "../shapes.ts";

export const apiKeyRevoke = operation({
  name: "control-plane.api-key.revoke",
  summary:
    "Revokes an API key: no call that starts after this answer is done with it, or with an agent session made with it.",
  rest: "DELETE /v1/api-keys/{id}",
  kind: "write",
  raisesRevision: true,
  input: z.strictObject({ id: z.uuid() }),
  output: apiKey,

  policy: { resource: { type: "ApiKey", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input }) {
    const revoked = await revokeKey(tx, input.id);
    if (revoked === undefined) throw apiKeyMissing(input.id);
    await endSessionsOf(tx, input.id);
    return apiKeyShown(revoked);
  },
  subject: ({ id }) => ({ type: "api_key", id }),
});
