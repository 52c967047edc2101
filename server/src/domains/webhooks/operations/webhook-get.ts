import { z } from "zod";
import { operation } from "#pipeline";
import { readWebhook } from "../queries.ts";
import { webhookMissing } from "../refusals.ts";
import { webhook, webhookShown } from "../shapes.ts";

export const webhookGet = operation({
  name: "webhooks.webhook.get",
  summary: "One webhook, and how far it was told.",
  rest: "GET /v1/webhooks/{id}",
  kind: "read",
  input: z.strictObject({ id: z.uuid() }),
  output: webhook,

  policy: { resource: { type: "Webhook", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id } }) {
    const found = await readWebhook(tx, id);
    if (found === undefined) throw webhookMissing(id);
    return webhookShown(found);
  },
});
