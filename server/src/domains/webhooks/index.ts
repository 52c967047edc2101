/** The door of webhooks: addresses that are told of a project's events. */
import { webhookCreate } from "./operations/webhook-create.ts";
import { webhookDelete } from "./operations/webhook-delete.ts";
import { webhookGet } from "./operations/webhook-get.ts";
import { webhookList } from "./operations/webhook-list.ts";
import { webhookReplay } from "./operations/webhook-replay.ts";
import { webhookRotate } from "./operations/webhook-rotate.ts";
import { webhookUpdate } from "./operations/webhook-update.ts";

export { DELIVER, deliver } from "./deliver.ts";
export { Fan } from "./fan.ts";

export const operations = [
  webhookCreate,
  webhookList,
  webhookGet,
  webhookUpdate,
  webhookDelete,
  webhookReplay,
  webhookRotate,
];
