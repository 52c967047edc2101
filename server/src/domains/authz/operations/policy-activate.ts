import { z } from "zod";
import { operation } from "#pipeline";
import { policyDocument } from "../document.ts";
import { activate } from "../policy.ts";
import { activePolicies } from "./policy-get.ts";

export const policyActivate = operation({
  name: "authz.policy.activate",
  summary: "Stores a new version of the project's policies and lets it decide from now on.",
  rest: "POST /v1/policies",
  kind: "write",
  agents: "never",
  raisesRevision: true,
  status: 201,
  input: z.strictObject({ document: policyDocument }),
  output: z.object({ id: z.uuid(), number: z.int() }),

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  // Two activations that race are told apart by the project's revision, which both raise.
  current: ({ tx }) => activePolicies(tx),
  async action({ tx, input, principal }) {
    const version = await activate(
      tx,
      principal.tenantId,
      input.document,
      `${principal.type}:${principal.id}`,
    );
    return version;
  },
  subject: ({ id }) => ({ type: "policy_version", id }),
});
