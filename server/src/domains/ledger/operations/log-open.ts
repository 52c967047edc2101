import { z } from "zod";
import { operation } from "#pipeline";
import { readPublishedSize, writeReaders } from "../queries.ts";

/** From the narrowest to the widest. */
const READERS = ["none", "hashes", "entries"] as const;

export const logOpen = operation({
  name: "ledger.log.open",
  summary:
    "Says what of the project's log everybody may read without a key: nothing, its hashes, or its entries.",
  rest: "POST /v1/ledger/open",
  kind: "write",
  agents: "never",
  raisesRevision: true,
  input: z.strictObject({
    readers: z
      .enum(READERS)
      .describe(
        "none; hashes: checkpoints, tiles, proofs; entries: also who did what when, without payloads",
      ),
    reason: z.string().max(1_000).optional().describe("Why, for those who read the log"),
  }),
  output: z.object({ log: z.string(), readers: z.enum(READERS) }),

  policy: {
    resource: { type: "Log", id: ({ principal }) => principal.tenantId },
    context: ["readers"],
  },
  score: "none",
  async action({ tx, ports, principal, input: { readers } }) {
    await writeReaders(tx, principal.tenantId, readers);
    const { origin } = (await readPublishedSize(tx, ports.ledger))!;
    return { log: origin, readers };
  },
});
