import { z } from "zod";
import { timestamp } from "#kernel/clock.ts";
import { instant } from "#kernel/instant.ts";
import { operation } from "#pipeline";
import { previewVersion } from "../preview/preview.ts";
import { type Item, previewItem } from "../preview/shapes.ts";
import { setName, versionNumber } from "../sets/shapes.ts";

export const policyVersionPreview = operation({
  name: "authz.policy-version.preview",
  summary:
    "What a version would change: decides recorded questions by it, newest first, and ends with the sum, which is kept and sealed.",
  rest: "POST /v1/policies/{set}/preview",
  kind: "stream",
  input: z.strictObject({
    set: setName,
    number: versionNumber.describe("Of a version of the set: a valid draft or any later state"),
    since: instant.optional().describe("From the first decision on unless told"),
    until: instant.optional().describe("Up to now unless told"),
    max: z.coerce
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(100_000)
      .describe("Decisions of the set to look at"),
  }),
  output: previewItem,
  ends: {
    seconds_max: 600,
    fraction: ({ progress }: Item) => progress?.fraction ?? null,
    isLast: ({ summary }: Item) => summary !== null,
  },

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  stream: (call) => {
    const { since = null, until = timestamp(call.time_ms), ...asked } = call.input;
    return previewVersion(call, { ...asked, since, until });
  },
});
