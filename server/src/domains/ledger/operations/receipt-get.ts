import { z } from "zod";
import { operation } from "#pipeline";
import { receiptOf } from "../receipt.ts";

export const receiptGet = operation({
  name: "ledger.receipt.get",
  summary: "The receipt of an entry: one text that anyone can check offline with the log's key.",
  rest: "GET /v1/ledger/entries/{id}/receipt",
  kind: "read",
  input: z.strictObject({ id: z.uuid() }),
  output: z.object({ receipt: z.string().describe("c2sp.org/tlog-proof@v1") }),

  policy: { resource: { type: "Entry", id: ({ input }) => input.id } },
  score: "none",
  action: async ({ tx, input, ports }) => ({
    receipt: await receiptOf(tx, ports.ledger, input.id),
  }),
});
