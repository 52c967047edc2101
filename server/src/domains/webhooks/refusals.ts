import { Refusal } from "#kernel/refusal.ts";

export const webhookMissing = (id: string) =>
  new Refusal(
    "action/webhook_missing",
    404,
    "This project has no webhook of this id",
    { id },
    "List the project's webhooks: GET /v1/webhooks.",
  );

export const tooManyWebhooks = (max: number) =>
  new Refusal(
    "action/too_many_webhooks",
    409,
    `A project has at most ${max} webhooks`,
    { webhooks_max: max },
    "Delete one that is not used, or fan out behind one.",
  );
