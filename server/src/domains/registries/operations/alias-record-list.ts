import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readAliasRecords } from "../alias/queries.ts";
import { alias, aliasRecord, aliasRecordShown } from "../alias/shapes.ts";

const records = listOf(aliasRecord, ({ seq }) => seq);

export const aliasRecordList = operation({
  name: "registries.alias-record.list",
  summary: "Everything that was submitted for an alias, final or not, the greatest seq first.",
  rest: "GET /v1/alias-records",
  kind: "read",
  input: z.strictObject({ alias, ...page }),
  output: records.output,
  page: records,

  policy: { resource: { type: "Alias", id: ({ input }) => input.alias } },
  score: "none",
  async action({ tx, input: { alias, limit, cursor } }) {
    const below = readCursor(cursor, z.int());
    const rows = await readAliasRecords(tx, alias, { below }, limit + 1);
    return records.page(rows.map(aliasRecordShown), limit);
  },
});
