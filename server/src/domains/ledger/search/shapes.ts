import { z } from "zod";
import { type Attribute, FIELDS, type Filter } from "./attributes.ts";

const text = z.string().min(1).max(300);

/** Input fields of everything that finds entries; all that are given have to fit. */
export const filter = {
  request: text.optional().describe("Request id that the call came with"),
  actor: text
    .optional()
    .describe("Who did it, TYPE:ID")
    .meta({ examples: ["ServiceAccount:01890a5d-ac96-774b-bcce-b302099a8057"] }),
  action: text
    .optional()
    .describe("An action, or the beginning of some up to a dot: risk, risk.transaction"),
  kind: z.enum(["call", "refusal", "reads", "event", "job", "head", "rollover"]).optional(),
  outcome: z.enum(["done", "refused", "failed"]).optional(),
  resource: text
    .optional()
    .describe("What was acted on or made, TYPE:ID; not found any more once the payload was erased")
    .meta({ examples: ["Account:C1305486145"] }),
  session: z.uuid().optional().describe("What an agent session did, and what was done to it"),
  since: z.iso.datetime().optional().describe("Not before this time of the entry"),
  until: z.iso.datetime().optional().describe("Before this time of the entry"),
};

export type FilterInput = { readonly [Name in keyof typeof filter]?: string | undefined };

export function filterOf(input: FilterInput): Filter {
  const attributes = FIELDS.flatMap((field): Attribute[] => {
    const value = input[field];
    return value === undefined ? [] : [[field, value]];
  });
  return { attributes, since_ms: instant(input.since), until_ms: instant(input.until) };
}

/** An entry's time has no more than milliseconds: a moment within one begins with the next. */
const instant = (time: string | undefined): number | undefined => {
  if (time === undefined) return undefined;
  const time_ms = Date.parse(time);
  return /\.\d{3}\d*[1-9]/.test(time) ? time_ms + 1 : time_ms;
};
