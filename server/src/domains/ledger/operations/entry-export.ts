import { z } from "zod";
import { operation } from "#pipeline";
import { exportEntries, OFFSET, parseOffset } from "../search/export.ts";
import { filter, filterOf } from "../search/shapes.ts";

export const entryExport = operation({
  name: "ledger.entry.export",
  summary:
    "Entries that all given filters fit, oldest first, each with its proof under one checkpoint, to be checked offline.",
  rest: "GET /v1/ledger/export",
  kind: "stream",
  input: z.strictObject({
    ...filter,
    after: z
      .string()
      .regex(OFFSET, "an offset, such as 1200.41.7")
      .optional()
      .describe(
        "Offset of the last item that was kept: goes on after it, under the same checkpoint",
      )
      .meta({ examples: ["1200.41.7"] }),
  }),
  output: z
    .object({
      offset: z.string().describe("To go on after this item"),
      checkpoint: z
        .object({
          size: z.int(),
          note: z.string().describe("c2sp.org/tlog-checkpoint, signed; all proofs lead to it"),
          filter: z.record(z.string(), z.string()).describe("What was asked for"),
        })
        .nullable()
        .describe("The first item"),
      entry: z
        .object({
          index: z.int(),
          id: z.uuid(),
          entry: z.string().describe("The canonical text that is hashed"),
          salt: z.string().nullable().describe("Base64"),
          payload: z
            .string()
            .nullable()
            .describe("As it was hashed, after the salt; null when it was erased"),
          proof: z.array(z.string()).describe("Base64 hashes from the leaf up (RFC 9162, 2.1.3)"),
        })
        .nullable(),
      end: z
        .object({ size: z.int(), count: z.int().describe("Entries that were given") })
        .nullable()
        .describe("The last item: without it something is missing"),
    })
    .meta({ id: "ExportItem" }),
  resume: { input: "after", offset: ({ offset }: { offset: string }) => offset },

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async *stream(call) {
    const { after, ...asked } = call.input;
    const given = Object.entries(asked).filter(([, value]) => value !== undefined);
    const told = Object.fromEntries(given) as Record<string, string>;
    const progress = after === undefined ? undefined : parseOffset(after);
    for await (const item of exportEntries(call, filterOf(asked), progress)) {
      const { checkpoint, entry } = item;
      yield {
        ...item,
        checkpoint: checkpoint && { ...checkpoint, filter: told },
        entry: entry && { ...entry, proof: [...entry.proof] },
      };
    }
  },
});
