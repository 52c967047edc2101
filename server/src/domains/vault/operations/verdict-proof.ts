import { z } from "zod";
import { operation } from "#pipeline";
import { toHex, V1Prover } from "#verifier";
import { readEntry, readHashes } from "../queries.ts";
import { vaultConflict, vaultMissing } from "../refusals.ts";
import { answered, answerOf, sequence } from "../shapes.ts";

export const verdictProof = operation({
  name: "vault.verdict.proof",
  summary: "That an entry is under the vault's Merkle root: its neighbours on the way up.",
  rest: "GET /v1/vault/proof",
  kind: "read",
  input: z.strictObject({ sequence }),
  output: answerOf("proof", {
    root: z.string(),
    proof: z.array(z.object({ hash: z.string(), position: z.enum(["left", "right"]) })),
    leaf_index: z.int(),
    entry_hash: z.string().describe("What the proof begins with"),
  }),

  policy: { resource: { type: "Vault", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input }) {
    const found = await readEntry(tx, input.sequence);
    if (found === undefined) throw vaultMissing(`there is no entry ${input.sequence}`);
    const prover = new V1Prover(found.leafIndex);
    for (let from = 0, read = PAGE; read === PAGE; from += PAGE) {
      const hashes = await readHashes(tx, from, PAGE);
      for (const [place, { leafIndex, entryHash }] of hashes.entries()) {
        if (leafIndex !== from + place) throw damaged();
        prover.append(toHex(entryHash));
      }
      read = hashes.length;
    }
    const proven = prover.proof();
    if (proven === undefined) throw damaged();
    return answered({
      operation: "proof" as const,
      verdict: "SEAL",
      ...proven,
      proof: [...proven.proof],
      entry_hash: toHex(found.entryHash),
    });
  },
});

const PAGE = 10_000;

const damaged = () => vaultConflict("entries are missing: verify the vault");
