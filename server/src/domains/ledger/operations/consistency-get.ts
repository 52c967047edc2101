import { z } from "zod";
import { operation, type TxCall } from "#pipeline";
import { consistencyProof, rootAt } from "#verifier";
import { readPublishedSize } from "../queries.ts";
import { sizesReversed, sizeUnpublished } from "../refusals.ts";
import { storedHashes } from "../tree.ts";

const size = z.coerce.number().int().min(0);
const head = z.object({ size: z.int(), root: z.string().describe("Base64 of the Merkle root") });
const input = z.strictObject({
  older_size: size.describe("Entries of the older state of the log"),
  newer_size: size
    .optional()
    .describe("Entries of the newer one; that of the newest checkpoint unless told"),
});

export const consistencyGet = operation({
  name: "ledger.consistency.get",
  summary:
    "The proof that the project's log only grew between two sizes (RFC 9162), with their roots.",
  rest: "GET /v1/ledger/consistency",
  kind: "read",
  input,
  output: z.object({
    log: z.string(),
    older: head,
    newer: head,
    proof: z.array(z.string()).describe("Base64 hashes, in the order of RFC 9162 section 2.1.4"),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  strangers: { need: "hashes", read },
  action: read,
});

type Asked = Pick<TxCall<z.output<typeof input>>, "tx" | "input" | "ports">;

async function read({ tx, ports, input: asked }: Asked) {
  const { older_size: older, newer_size } = asked;
  const { origin = "", published = 0 } = (await readPublishedSize(tx, ports.ledger)) ?? {};
  const newer = newer_size ?? published;
  if (Math.max(older, newer) > published) throw sizeUnpublished(Math.max(older, newer), published);
  if (older > newer) throw sizesReversed(older, newer);
  const hashAt = storedHashes(tx, newer);
  const [olderRoot, newerRoot, proof] = await Promise.all([
    rootAt(older, hashAt),
    rootAt(newer, hashAt),
    consistencyProof(older, newer, hashAt),
  ]);
  return {
    log: origin,
    older: { size: older, root: base64(olderRoot) },
    newer: { size: newer, root: base64(newerRoot) },
    proof: proof.map(base64),
  };
}

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString("base64");
