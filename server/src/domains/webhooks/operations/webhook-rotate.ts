import { z } from "zod";
import { operation } from "#pipeline";
import { boundTo } from "../deliver.ts";
import { rotateSecret } from "../queries.ts";
import { webhookMissing } from "../refusals.ts";
import { secret, webhook, webhookShown } from "../shapes.ts";
import { formatSecret, newSecret } from "../sign.ts";

/** Time for receivers to take the new secret, while both sign. */
const BOTH_S = 86_400;

export const webhookRotate = operation({
  name: "webhooks.webhook.rotate",
  summary: "Gives a webhook its next secret, shown once; for a day both sign.",
  rest: "POST /v1/webhooks/{id}/rotate",
  kind: "write",
  agents: "never",
  input: z.strictObject({ id: z.uuid() }),
  output: z.object({ ...webhook.shape, secret }),
  secrets: ["secret"],

  policy: { resource: { type: "Webhook", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id }, ports }) {
    const made = newSecret();
    const rotated = await rotateSecret(tx, id, ports.sealSecret(made, boundTo(id)), BOTH_S);
    if (rotated === undefined) throw webhookMissing(id);
    return { ...webhookShown(rotated), secret: formatSecret(made) };
  },
  subject: ({ id }) => ({ type: "webhook", id }),
});
