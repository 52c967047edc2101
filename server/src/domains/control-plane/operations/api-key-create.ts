import { z } from "zod";
import { makeCredential } from "#kernel/credential.ts";
import { newId } from "#kernel/ids.ts";
import { instant } from "#kernel/instant.ts";
import { AUTH_METHODS, AUTH_TIERS, type Auth, type AuthMethod, operation } from "#pipeline";
import { insertKey, isServiceAccount, type KeyAuth } from "../queries.ts";
import { keyTooStrong, serviceAccountMissing } from "../refusals.ts";
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
    auth_method: z
      .enum(AUTH_METHODS.slice(1) as [AuthMethod])
      .default("api_key")
      .describe("What policies are told of how its user has signed in"),
    auth_tier: z.enum(AUTH_TIERS).default("T1"),
    step_up_until: instant.optional().describe("Until when a fresh proof of presence counts"),
  }),
  output: z.object({ ...apiKey.shape, key: z.string().optional().describe("Shown once") }),
  secrets: ["key"],

  policy: { resource: { type: "ServiceAccount", id: ({ input }) => input.service_account_id } },
  score: "none",
  async action({ tx, input, principal }) {
    if (!(await isServiceAccount(tx, input.service_account_id)))
      throw serviceAccountMissing(input.service_account_id);
    const auth = {
      method: input.auth_method,
      tier: input.auth_tier,
      stepUpUntil: input.step_up_until ?? null,
    };
    refuseStronger(principal.auth, auth);
    const { key, prefix, hash } = makeCredential("sk");
    const made = await insertKey(tx, principal.tenantId, {
      id: newId(),
      serviceAccountId: input.service_account_id,
      name: input.name,
      prefix,
      hash,
      createdBy: `${principal.type}:${principal.id}`,
      expiresAt: input.expires_at ?? null,
      auth,
    });
    return { ...apiKeyShown(made), key };
  },
  subject: ({ id }) => ({ type: "api_key", id }),
});

/** Nobody makes a key that says more of its user than is known of themselves: it would get past what asks for that. */
function refuseStronger(own: Auth, wanted: KeyAuth): void {
  const stepUp_ms = wanted.stepUpUntil === null ? null : Date.parse(wanted.stepUpUntil);
  const stronger = [
    AUTH_METHODS.indexOf(wanted.method) > AUTH_METHODS.indexOf(own.method) && "auth_method",
    AUTH_TIERS.indexOf(wanted.tier) > AUTH_TIERS.indexOf(own.tier) && "auth_tier",
    stepUp_ms !== null && stepUp_ms > (own.stepUpUntil_ms ?? 0) && "step_up_until",
  ].filter((name) => name !== false);
  if (stronger.length > 0) throw keyTooStrong(stronger, own);
}
