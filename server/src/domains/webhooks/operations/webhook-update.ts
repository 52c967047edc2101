import { z } from "zod";
import { operation } from "#pipeline";
import { orderingKeyOf } from "../deliver.ts";
import { hurryDeliveries, updateWebhook } from "../queries.ts";
import { webhookMissing } from "../refusals.ts";
import { address, channels, webhook, webhookShown } from "../shapes.ts";

export const webhookUpdate = operation({
  name: "webhooks.webhook.update",
  summary: "Changes where a webhook's deliveries go, what it hears of, or whether it does.",
  rest: "PATCH /v1/webhooks/{id}",
  kind: "write",
  agents: "never",
  input: z.strictObject({
    id: z.uuid(),
    url: address.optional(),
    channels: channels.optional(),
    enabled: z.boolean().optional(),
  }),
  output: webhook,

  policy: { resource: { type: "Webhook", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id, ...change } }) {
    const updated = await updateWebhook(tx, id, change);
    if (updated === undefined) throw webhookMissing(id);
    if (change.enabled === true) await hurryDeliveries(tx, orderingKeyOf(updated));
    return webhookShown(updated);
  },
  subject: ({ id }) => ({ type: "webhook", id }),
});
