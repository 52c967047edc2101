import { z } from "zod";
import { operation } from "#pipeline";
import { TILE_WIDTH } from "#verifier";
import { archivedEntry, ENTRIES_MAX } from "../archive/shapes.ts";
import { readEntriesWithin, readMinimum } from "../queries.ts";
import { bundleArchived } from "../refusals.ts";
import { readPublished } from "../witness/published.ts";

/** Of the entries and payloads of one answer; one entry may be larger. */
const BYTES_MAX = 2 ** 20;

export const archiveRead = operation({
  name: "ledger.archive.read",
  summary: "Published entries with their salted payloads, as they go into an archive's files.",
  rest: "GET /v1/ledger/archives/entries",
  kind: "read",
  input: z.strictObject({
    from: z.coerce.number().int().min(0).describe("The first of them"),
    limit: z.coerce.number().int().min(1).max(ENTRIES_MAX).default(TILE_WIDTH),
  }),
  output: z.object({
    entries: z.array(archivedEntry).describe("As many as fit; none at the end of the log"),
    next: z.int().describe("Where to go on"),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, ports, input: { from, limit } }) {
    const minimum = await readMinimum(tx);
    if (from < minimum) throw bundleArchived(Math.floor(from / TILE_WIDTH), minimum);
    const size = (await readPublished(tx, ports.ledger))?.size ?? 0;
    if (from >= size) return { entries: [], next: from };
    const limits = { entries: Math.min(limit, size - from), bytes: BYTES_MAX };
    const stored = await readEntriesWithin(tx, from, limits);
    return {
      entries: stored.map(({ index, id, entry, salt, payload }) => ({
        index,
        id,
        entry: entry.toString(),
        salt: salt?.toString("base64") ?? null,
        payload,
      })),
      next: (stored.at(-1)?.index ?? from - 1) + 1,
    };
  },
});
