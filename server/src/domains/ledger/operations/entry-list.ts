import { z } from "zod";
import { cursorOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readNewestEntries } from "../queries.ts";
import { entry, shown } from "../shapes.ts";

export const entryList = operation({
  name: "ledger.entry.list",
  summary: "Entries of the project's log, newest first.",
  rest: "GET /v1/ledger/entries",
  kind: "read",
  input: z.strictObject(page),
  output: z.object({ items: z.array(entry), next_cursor: z.string().nullable() }),

  policy: { resource: ({ principal }) => ({ type: "Log", id: principal.tenantId }) },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readNewestEntries(tx, readCursor(cursor, z.int().min(0)), limit + 1);
    return {
      items: rows.slice(0, limit).map(shown),
      next_cursor: cursorOf(rows, limit, (row) => row.index),
    };
  },
});
