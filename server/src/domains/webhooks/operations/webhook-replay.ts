import { z } from "zod";
import { refuseOutside } from "#domains/feed";
import { operation } from "#pipeline";
import { updateWebhook } from "../queries.ts";
import { webhookMissing } from "../refusals.ts";
import { position, webhook, webhookShown } from "../shapes.ts";

export const webhookReplay = operation({
  name: "webhooks.webhook.replay",
  summary: "Tells a webhook again of everything after an offset, as new deliveries.",
  rest: "POST /v1/webhooks/{id}/replay",
  kind: "write",
  agents: "never",
  input: z.strictObject({ id: z.uuid(), after: position.describe("0.0: from the beginning") }),
  output: webhook,

  policy: { resource: { type: "Webhook", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id, after }, ports }) {
    const updated = await updateWebhook(tx, id, { position: after });
    if (updated === undefined) throw webhookMissing(id);
    await refuseOutside(tx, ports.ledger, after);
    return webhookShown(updated);
  },
  subject: ({ id }) => ({ type: "webhook", id }),
});
