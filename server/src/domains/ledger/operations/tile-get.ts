import { z } from "zod";
import type { Tx } from "#kernel/db.ts";
import { operation } from "#pipeline";
import { publishedTile } from "../published.ts";
import { tileIndex, tileWidth } from "../shapes.ts";

const input = z.strictObject({
  level: z.coerce
    .number()
    .int()
    .min(0)
    .max(63)
    .describe("0: hashes of entries; each level spans 256 of the one below"),
  index: tileIndex,
  width: tileWidth,
});

export const tileGet = operation({
  name: "ledger.tile.get",
  summary: "Up to 256 hashes of the project's published log (c2sp.org/tlog-tiles).",
  rest: "GET /v1/ledger/tiles",
  kind: "read",
  input,
  output: z.object({
    log: z.string(),
    level: z.int(),
    index: z.int(),
    width: z.int().describe("Hashes in it, 1 to 256"),
    hashes: z.string().describe("Base64 of the hashes, 32 bytes each"),
  }),

  policy: { resource: ({ principal }) => ({ type: "Log", id: principal.tenantId }) },
  score: "none",
  strangers: { need: "hashes", read },
  action: ({ tx, input }) => read(tx, input),
});

async function read(tx: Tx, { level, index, width: wanted }: z.output<typeof input>) {
  const { log, width, bytes } = await publishedTile(tx, level, index, wanted);
  return { log, level, index, width, hashes: Buffer.from(bytes).toString("base64") };
}
