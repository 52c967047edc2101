import { z } from "zod";
import { operation } from "#pipeline";
import { orderingKeyOf } from "../deliver.ts";
import { deleteWebhook, hurryDeliveries } from "../queries.ts";
import { webhookMissing } from "../refusals.ts";
import { webhook, webhookShown } from "../shapes.ts";

export const webhookDelete = operation({
  name: "webhooks.webhook.delete",
  summary: "Ends a webhook; what was not delivered yet is given up.",
  rest: "DELETE /v1/webhooks/{id}",
  kind: "write",
  agents: "never",
  input: z.strictObject({ id: z.uuid() }),
  output: webhook,

  policy: { resource: { type: "Webhook", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id } }) {
    const deleted = await deleteWebhook(tx, id);
    if (deleted === undefined) throw webhookMissing(id);
    await hurryDeliveries(tx, orderingKeyOf(deleted));
    return webhookShown(deleted);
  },
  subject: ({ id }) => ({ type: "webhook", id }),
});
