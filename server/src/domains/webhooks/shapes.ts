import { z } from "zod";
import { CHANNELS, OFFSET } from "#domains/feed";
import type { StoredWebhook } from "./queries.ts";

/** Checkpoints are not delivered: what came of each delivery is sealed, under the next checkpoint. */
const DELIVERED = CHANNELS.filter((channel) => channel !== "checkpoints") as [
  "entries",
  "scores",
  "security",
  "decisions",
];

export const channels = z.array(z.enum(DELIVERED)).min(1).max(DELIVERED.length);
export const position = z
  .string()
  .regex(OFFSET, "an offset, such as 41.2")
  .meta({ examples: ["41.2"] });
export const address = z.url({ protocol: /^https?$/ }).max(2_000);

/** A webhook as every face shows it; its secret is shown once. */
export const webhook = z
  .object({
    id: z.uuid(),
    url: z.string(),
    channels: z.array(z.string()),
    enabled: z.boolean(),
    position: z.string().describe("Offset up to which events have become deliveries"),
    service_account_id: z.uuid().describe("It hears of what this account may read"),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Webhook" });

export const webhookShown = (row: StoredWebhook): z.input<typeof webhook> => ({
  id: row.id,
  url: row.url,
  channels: row.channels,
  enabled: row.enabled,
  position: row.position,
  service_account_id: row.serviceAccountId,
  created_at: row.createdAt.toISOString(),
});

export const secret = z
  .string()
  .optional()
  .describe("Shown once: whsec_…, for the receiver's Standard Webhooks library");
