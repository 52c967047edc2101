import { z } from "zod";
import { instant } from "#kernel/instant.ts";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { bytesOf, hexOf } from "../digest.ts";
import { readSums } from "../forwarding/queries.ts";
import { node } from "../shapes.ts";

const sum = z
  .object({
    relay: z.string(),
    period: z.iso.datetime().describe("Begin of the day or month (UTC)"),
    records: z.int(),
    forwarded_bytes: z.string().describe("Decimal and exact, however large"),
    charged_units: z.string().describe("Decimal and exact, however large"),
  })
  .meta({ id: "ForwardingSum" });

const sums = listOf(sum, ({ relay, period }) => [relay, period]);

export const forwardingSum = operation({
  name: "registries.forwarding.sum",
  summary: "Sums of what relays recorded, by relay and the day or month in which a period begins.",
  rest: "GET /v1/forwarding/sums",
  kind: "read",
  input: z.strictObject({
    relay: node.optional(),
    from: instant.optional().describe("Periods that begin then or later"),
    until: instant.optional().describe("Periods that begin before"),
    by: z.enum(["day", "month"]).default("day"),
    of: z
      .enum(["peers", "totals"])
      .default("peers")
      .describe("peers: records about one peer; totals: those about all together"),
    ...page,
  }),
  output: sums.output,
  page: sums,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { relay, from, until, by, of, limit, cursor } }) {
    const place = readCursor(cursor, z.tuple([node, z.iso.datetime()]));
    const after = place && { relay: bytesOf(place[0]), period: place[1] };
    const filter = { relay: relay === undefined ? relay : bytesOf(relay), from, until };
    const rows = await readSums(
      tx,
      { ...filter, by, isForPeers: of === "peers" },
      limit + 1,
      after,
    );
    const shown = rows.map(({ relay, period, records, bytes, units }) => ({
      relay: hexOf(relay),
      period: period.toISOString(),
      records,
      forwarded_bytes: bytes,
      charged_units: units,
    }));
    return sums.page(shown, limit);
  },
});
