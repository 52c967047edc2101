import { z } from "zod";
import { operation } from "#pipeline";
import { entryById } from "../receipt.ts";
import { entry, shown } from "../shapes.ts";

export const entryGet = operation({
  name: "ledger.entry.get",
  summary: "One entry of the project's log, with its payload unless that was erased.",
  rest: "GET /v1/ledger/entries/{id}",
  kind: "read",
  input: z.strictObject({ id: z.uuid() }),
  output: entry,

  policy: { resource: { type: "Entry", id: ({ input }) => input.id } },
  score: "none",
  action: async ({ tx, input }) => shown(await entryById(tx, input.id)),
});
