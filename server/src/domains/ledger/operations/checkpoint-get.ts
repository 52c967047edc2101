import { z } from "zod";
import { logVerifierKeys, secondVerifierKeys } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import { operation } from "#pipeline";
import { readHead, readNewestCheckpoint } from "../queries.ts";
import { unpublished } from "../refusals.ts";

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
    checkpoint: z.string().describe("c2sp.org/tlog-checkpoint, signed"),
    keys: z.array(z.string()).describe("c2sp.org/signed-note verifier keys, the current one first"),
    second_keys: z
      .array(z.string())
      .describe("Verifier keys of ML-DSA-44 (c2sp.org/tlog-cosignature), where the log has them"),
  }),

  policy: { resource: ({ principal }) => ({ type: "Log", id: principal.tenantId }) },
  score: "none",
  strangers: { need: "hashes", read: newestCheckpoint },
  action: ({ tx }) => newestCheckpoint(tx),
});

async function newestCheckpoint(tx: Tx) {
  const [head, newest] = await Promise.all([readHead(tx), readNewestCheckpoint(tx)]);
  if (head === undefined || newest === undefined) throw unpublished();
  const { size, root, note } = newest;
  const [keys, secondKeys] = await Promise.all([
    logVerifierKeys(tx, head.origin),
    secondVerifierKeys(tx, head.origin),
  ]);
  return {
    log: head.origin,
    size,
    root: root.toString("base64"),
    checkpoint: note,
    keys,
    second_keys: secondKeys,
  };
}
