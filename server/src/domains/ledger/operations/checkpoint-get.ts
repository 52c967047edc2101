import { z } from "zod";
import { logVerifierKeys, secondVerifierKeys } from "#domains/security";
import { operation, type TxCall } from "#pipeline";
import { readHead } from "../queries.ts";
import { unpublished } from "../refusals.ts";
import { cosignaturesIn } from "../shapes.ts";
import { readPublished } from "../witness/published.ts";

export const checkpointGet = operation({
  name: "ledger.checkpoint.get",
  summary: "The newest signed head of the project's log, and the keys that check it.",
  rest: "GET /v1/ledger/checkpoint",
  kind: "read",
  input: z.strictObject({}),
  output: z.object({
    log: z.string(),
    size: z.int(),
    root: z.string().describe("Base64 of the Merkle root"),
    checkpoint: z.string().describe("c2sp.org/tlog-checkpoint, signed, with its cosignatures"),
    keys: z.array(z.string()).describe("c2sp.org/signed-note verifier keys, the current one first"),
    second_keys: z
      .array(z.string())
      .describe("Verifier keys of ML-DSA-44 (c2sp.org/tlog-cosignature), where the log has them"),
    cosignatures: z
      .array(z.object({ key: z.string(), time: z.iso.datetime() }))
      .describe(
        "Witnesses that cosigned it: NAME+HASH of their keys, and when they say that it was",
      ),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  strangers: { need: "hashes", read: newestCheckpoint },
  action: newestCheckpoint,
});

async function newestCheckpoint({ tx, ports }: Pick<TxCall<unknown>, "tx" | "ports">) {
  const head = await readHead(tx);
  if (head === undefined) throw unpublished([]);
  const [keys, secondKeys, newest] = await Promise.all([
    logVerifierKeys(tx, head.origin),
    secondVerifierKeys(tx, head.origin),
    readPublished(tx, ports.ledger),
  ]);
  if (newest === undefined) throw unpublished(keys);
  const { size, root, note } = newest;
  return {
    log: head.origin,
    size,
    root: root.toString("base64"),
    checkpoint: note,
    keys,
    second_keys: secondKeys,
    cosignatures: cosignaturesIn(note, head.origin),
  };
}
