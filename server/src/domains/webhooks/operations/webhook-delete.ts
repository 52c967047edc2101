import { z } from "zod";
import { operation } from "#pipeline";
import { deleteWebhook } from "../queries.ts";
import { webhookMissing } from "../refusals.ts";
import { webhook, webhookShown } from "../shapes.ts";

export const webhookDelete = operation({
  name: "webhooks.webhook.delete",
  summary: "Ends a webhook; what was not delivered yet is given up.",
  rest: "DELETE /v1/webhooks/{id}",
  kind: "write",
  input: z.strictObject({ id: z.uuid() }),
  output: webhook,

  policy: { resource: ({ input }) => ({ type: "Webhook", id: input.id }) },
  score: "none",
  async action({ tx, input: { id } }) {
    const deleted = await deleteWebhook(tx, id);
    if (deleted === undefined) throw webhookMissing(id);
    return webhookShown(deleted);
  },
  subject: ({ id }) => ({ type: "webhook", id }),
});
