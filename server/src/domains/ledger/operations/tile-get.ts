import { z } from "zod";
import { operation, type TxCall } from "#pipeline";
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

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  strangers: { need: "hashes", read },
  action: read,
});

type Asked = Pick<TxCall<z.output<typeof input>>, "tx" | "input" | "ports">;

async function read({ tx, ports, input: asked }: Asked) {
  const { level, index, width: wanted } = asked;
  const { log, width, bytes } = await publishedTile(tx, ports.ledger, level, index, wanted);
  return { log, level, index, width, hashes: Buffer.from(bytes).toString("base64") };
}
