import { z } from "zod";
import { publishedSize, refuseOutside } from "#domains/feed";
import { newId } from "#kernel/ids.ts";
import { operation } from "#pipeline";
import { boundTo } from "../deliver.ts";
import { countWebhooks, insertWebhook } from "../queries.ts";
import { tooManyWebhooks } from "../refusals.ts";
import { address, channels, position, secret, webhook, webhookShown } from "../shapes.ts";
import { formatSecret, newSecret } from "../sign.ts";

const WEBHOOKS_MAX = 20;

export const webhookCreate = operation({
  name: "webhooks.webhook.create",
  summary: "Tells an address of the project's events, signed. The secret is shown once.",
  rest: "POST /v1/webhooks",
  kind: "write",
  agents: "never",
  status: 201,
  input: z.strictObject({
    url: address,
    channels,
    after: position.optional().describe("Begin after this offset; without one, from now on"),
  }),
  output: z.object({ ...webhook.shape, secret }),
  secrets: ["secret"],

  policy: {
    resource: { type: "Project", id: ({ principal }) => principal.tenantId },
    context: ["url"],
  },
  score: "none",
  async action({ tx, input, principal, ports }) {
    const { tenantId } = principal;
    if ((await countWebhooks(tx)) >= WEBHOOKS_MAX) throw tooManyWebhooks(WEBHOOKS_MAX);
    if (input.after !== undefined) await refuseOutside(tx, ports.ledger, input.after);
    const id = newId();
    const made = newSecret();
    const stored = await insertWebhook(tx, tenantId, {
      id,
      url: input.url,
      channels: [...new Set(input.channels)],
      serviceAccountId: principal.accountId,
      secret: ports.sealSecret(made, boundTo(id)),
      position: input.after ?? `${await publishedSize(tx, ports.ledger)}.0`,
      createdBy: `${principal.type}:${principal.id}`,
    });
    return { ...webhookShown(stored), secret: formatSecret(made) };
  },
  subject: ({ id }) => ({ type: "webhook", id }),
});
