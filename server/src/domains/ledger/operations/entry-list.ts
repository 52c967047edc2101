import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readNewestEntries } from "../queries.ts";
import { entry, shown } from "../shapes.ts";

const entries = listOf(entry, ({ index }) => index);

export const entryList = operation({
  name: "ledger.entry.list",
  summary: "Entries of the project's log, newest first.",
  rest: "GET /v1/ledger/entries",
  kind: "read",
  input: z.strictObject(page),
  output: entries.output,
  page: entries,

  policy: { resource: ({ principal }) => ({ type: "Log", id: principal.tenantId }) },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readNewestEntries(tx, readCursor(cursor, z.int().min(0)), limit + 1);
    return entries.page(rows.map(shown), limit);
  },
});
