import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readWebhooks } from "../queries.ts";
import { webhook, webhookShown } from "../shapes.ts";

const webhooks = listOf(webhook, ({ id }) => id);

export const webhookList = operation({
  name: "webhooks.webhook.list",
  summary: "The project's webhooks, newest first.",
  rest: "GET /v1/webhooks",
  kind: "read",
  input: z.strictObject(page),
  output: webhooks.output,
  page: webhooks,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readWebhooks(tx, limit + 1, readCursor(cursor, z.uuid()));
    return webhooks.page(rows.map(webhookShown), limit);
  },
});
