import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readAliases } from "../alias/queries.ts";
import { hexOf } from "../digest.ts";
import { isAlive } from "../lifetime.ts";

const named = z
  .object({
    alias: z.string(),
    maintainers_number: z.int().describe("Of the current set"),
    node: z
      .string()
      .nullable()
      .describe("What it names now; null when nothing final is young enough"),
    seq: z.int().nullable(),
    ts: z.int().nullable().describe("Seconds since 1970"),
  })
  .meta({ id: "Alias" });

const aliases = listOf(named, (one) => one.alias);
const NOTHING = { node: null, seq: null, ts: null };

export const aliasList = operation({
  name: "registries.alias.list",
  summary: "The project's aliases by name, and the nodes that they name now.",
  rest: "GET /v1/aliases",
  kind: "read",
  input: z.strictObject(page),
  output: aliases.output,
  page: aliases,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, time_ms, input: { limit, cursor } }) {
    const rows = await readAliases(tx, limit + 1, readCursor(cursor, z.string()));
    const shown = rows.map(({ alias, number, node, seq, ts }) => ({
      alias,
      maintainers_number: number,
      ...(node !== null && isAlive(ts!, time_ms) ? { node: hexOf(node), seq, ts } : NOTHING),
    }));
    return aliases.page(shown, limit);
  },
});
