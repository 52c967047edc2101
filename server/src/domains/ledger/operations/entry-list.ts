import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { findEntries } from "../search/search.ts";
import { filter, filterOf } from "../search/shapes.ts";
import { entry, shown } from "../shapes.ts";

const entries = listOf(entry, ({ index }) => index);

export const entryList = operation({
  name: "ledger.entry.list",
  summary: "Entries of the project's log that all given filters fit, newest first unless told.",
  rest: "GET /v1/ledger/entries",
  kind: "read",
  input: z.strictObject({
    ...page,
    ...filter,
    order: z.enum(["newest", "oldest"]).default("newest").describe("Which entries come first"),
  }),
  output: entries.output,
  page: entries,

  policy: { resource: ({ principal }) => ({ type: "Log", id: principal.tenantId }) },
  score: "none",
  async action({ tx, input }) {
    const { limit, cursor, order, ...asked } = input;
    const place = readCursor(cursor, z.int().min(0));
    const newestFirst = order === "newest";
    const found = await findEntries(tx, {
      filter: filterOf(asked),
      from: newestFirst || place === undefined ? 0 : place + 1,
      to: newestFirst ? (place ?? END) : END,
      newestFirst,
      limit: limit + 1,
      bytesMax: Number.MAX_SAFE_INTEGER,
    });
    return entries.page(found.entries.map(shown), limit);
  },
});

const END = Number.MAX_SAFE_INTEGER;
