import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readArchives } from "../archive/queries.ts";
import { archive, archiveShown } from "../archive/shapes.ts";

const archives = listOf(archive, ({ number }) => number);

export const archiveList = operation({
  name: "ledger.archive.list",
  summary:
    "Which entries of the project's log went into files and which came back, newest first; the first says the minimum index.",
  rest: "GET /v1/ledger/archives",
  kind: "read",
  input: z.strictObject(page),
  output: archives.output,
  page: archives,

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readArchives(tx, readCursor(cursor, z.int().min(1)), limit + 1);
    return archives.page(rows.map(archiveShown), limit);
  },
});
