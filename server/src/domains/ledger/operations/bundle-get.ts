import { z } from "zod";
import { operation, type TxCall } from "#pipeline";
import { publishedBundle } from "../published.ts";
import { tileIndex, tileWidth } from "../shapes.ts";

const input = z.strictObject({ index: tileIndex, width: tileWidth });

export const bundleGet = operation({
  name: "ledger.bundle.get",
  summary:
    "Up to 256 entries of the project's published log as they are hashed (c2sp.org/tlog-tiles).",
  rest: "GET /v1/ledger/bundles",
  kind: "read",
  input,
  output: z.object({
    log: z.string(),
    index: z.int(),
    width: z.int().describe("Entries in it, 1 to 256"),
    entries: z
      .string()
      .describe("Base64 of the bundle: each entry after its length, two bytes, big-endian"),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  strangers: { need: "entries", read },
  action: read,
});

type Asked = Pick<TxCall<z.output<typeof input>>, "tx" | "input" | "ports">;

async function read({ tx, ports, input: asked }: Asked) {
  const { index, width: wanted } = asked;
  const { log, width, bytes } = await publishedBundle(tx, ports.ledger, index, wanted);
  return { log, index, width, entries: Buffer.from(bytes).toString("base64") };
}
