import { z } from "zod";
import { newId } from "#kernel/ids.ts";
import { operation } from "#pipeline";
import { insertServiceAccount } from "../queries.ts";
import { nameTaken } from "../refusals.ts";
import { name, serviceAccount, serviceAccountShown } from "../shapes.ts";

export const serviceAccountCreate = operation({
  name: "control-plane.service-account.create",
  summary:
    "Makes a service account: a program that calls, and the groups that policies know it by.",
  rest: "POST /v1/service-accounts",
  kind: "write",
  agents: "never",
  status: 201,
  input: z.strictObject({ name, groups: z.array(name).max(50).default([]) }),
  output: serviceAccount,

  policy: {
    resource: { type: "Project", id: ({ principal }) => principal.tenantId },
    context: ["groups"],
  },
  score: "none",
  async action({ tx, input, principal }) {
    const made = await insertServiceAccount(tx, principal.tenantId, { id: newId(), ...input });
    if (made === undefined) throw nameTaken(input.name);
    return serviceAccountShown(made);
  },
  subject: ({ id }) => ({ type: "service_account", id }),
});
