import { z } from "zod";
import type { Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import { operation } from "#pipeline";
import { parseJson } from "#verifier";
import { readActiveVersion } from "../queries.ts";
import { policyVersion, versionShown } from "../shapes.ts";

export const policyGet = operation({
  name: "authz.policy.get",
  summary: "The policies that decide now.",
  rest: "GET /v1/policies",
  kind: "read",
  input: z.strictObject({}),
  output: z.object({ ...policyVersion.shape, document: z.json() }),

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  action: ({ tx }) => activePolicies(tx),
});

/** What decides now, as its readers get it. */
export async function activePolicies(tx: Tx) {
  const active = await readActiveVersion(tx);
  if (active === undefined) throw noPolicies();
  return { ...versionShown(active), document: parseJson(active.document) };
}

const noPolicies = () =>
  new Refusal(
    "action/no_policies",
    404,
    "This project has no active policies",
    {},
    "Activate some: POST /v1/policies.",
  );
