import { z } from "zod";
import { operation } from "#pipeline";
import { readLineage } from "../queries.ts";
import { chainMissing } from "../refusals.ts";
import { chain, shown } from "../shapes.ts";
import { whyText } from "../why.ts";

export const chainWhy = operation({
  name: "telemetry.chain.why",
  summary: "The whole chain of a call, from request to seal, for any id in it.",
  rest: "GET /v1/decisions/{id}/why",
  kind: "read",
  input: z.strictObject({ id: z.string().min(1).max(128) }),
  output: z.object({ text: z.string().describe("For people"), calls: z.array(chain) }),

  policy: { resource: { type: "Chain", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input }) {
    const calls = await readLineage(tx, input.id);
    if (calls.length === 0) throw chainMissing(input.id);
    return { text: calls.map(whyText).join("\n\n"), calls: calls.map(shown) };
  },
});
