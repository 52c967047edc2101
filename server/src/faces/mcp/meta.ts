import { unknownOption } from "./refusals.ts";

/** What a request's `_meta` says of a call; headers say it on other faces. */
export interface Options {
  readonly requestId?: string;
  readonly idempotencyKey?: string;
}

const OURS = "sealbase/";
const OPTIONS: Readonly<Record<string, keyof Options>> = {
  "sealbase/request_id": "requestId",
  "sealbase/idempotency_key": "idempotencyKey",
};

/** One that is not known is refused: who misspells an idempotency key would otherwise write twice. */
export function optionsOf(meta: Readonly<Record<string, unknown>> = {}): Options {
  const options: Record<string, string> = {};
  for (const [name, value] of Object.entries(meta)) {
    if (!name.startsWith(OURS)) continue;
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (option === undefined || typeof value !== "string") throw unknownOption(name);
    options[option] = value;
  }
  return options;
}
