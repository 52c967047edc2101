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

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
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
      bytesMax: PAGE_BYTES_MAX,
    });
    const answer = entries.page(found.entries.map(shown), limit);
    const last = answer.items.at(-1);
    // Fewer than asked for, and more to come: the page is full by its bytes.
    if (answer.next_cursor !== null || found.isAll || last === undefined) return answer;
    return { ...answer, next_cursor: entries.cursor(last) };
  },
});

/** Bytes of a page's entries with their payloads; one entry may be larger. */
const PAGE_BYTES_MAX = 4 * 1_024 * 1_024;
const END = Number.MAX_SAFE_INTEGER;
