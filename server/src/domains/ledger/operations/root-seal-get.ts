import { z } from "zod";
import { operation } from "#pipeline";
import { rootSealOf } from "../root/root-seal.ts";

export const rootSealGet = operation({
  name: "ledger.root-seal.get",
  summary:
    "Shows that the root log, one for all projects, sealed a head of the project's log: receipt and what it opens.",
  rest: "GET /v1/ledger/root-seal",
  kind: "read",
  input: z.strictObject({
    size: z.coerce
      .number()
      .int()
      .min(1)
      .optional()
      .describe("The first sealed head that covers so many entries; otherwise the newest one"),
  }),
  output: z.object({
    size: z.int().describe("Entries of the project's log under the sealed head"),
    root: z.string().describe("Name of the root log"),
    keys: z.array(z.string()).describe("Of the root log, the current one first"),
    receipt: z.string().describe("c2sp.org/tlog-proof@v1 of the root log's entry"),
    salt: z.string().describe("Base64"),
    payload: z
      .string()
      .describe(
        "Canonical JSON with the sealed checkpoint; with the salt it gives the entry's payload_hash",
      ),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, ports, principal, input: { size } }) {
    const seal = await rootSealOf(tx, ports.ledger, principal.tenantId, size);
    return { ...seal, keys: [...seal.keys] };
  },
});
