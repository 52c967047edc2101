import { z } from "zod";
import { instant } from "#kernel/instant.ts";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { bytesOf } from "../digest.ts";
import { readForwarding } from "../forwarding/queries.ts";
import { forwarding, forwardingShown } from "../forwarding/shapes.ts";
import { node } from "../shapes.ts";

const records = listOf(forwarding, ({ id }) => id);

export const forwardingList = operation({
  name: "registries.forwarding.list",
  summary: "What relays recorded, the newest first.",
  rest: "GET /v1/forwarding",
  kind: "read",
  input: z.strictObject({
    relay: node.optional(),
    from: instant.optional().describe("Periods that begin then or later"),
    until: instant.optional().describe("Periods that begin before"),
    ...page,
  }),
  output: records.output,
  page: records,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { relay, from, until, limit, cursor } }) {
    const filter = { relay: relay === undefined ? relay : bytesOf(relay), from, until };
    const rows = await readForwarding(tx, filter, limit + 1, readCursor(cursor, z.uuid()));
    return records.page(rows.map(forwardingShown), limit);
  },
});
