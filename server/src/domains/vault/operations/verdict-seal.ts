import { z } from "zod";
import { operation } from "#pipeline";
import { v1Hash, v1Text, v1Timestamp } from "#verifier";
import { bytesOf, chainOf, headAfter, lockHead } from "../head.ts";
import { readPayload } from "../payload.ts";
import { append } from "../queries.ts";
import { vaultConflict, vaultInvalid } from "../refusals.ts";
import { answered, answerOf, TEXT_MAX } from "../shapes.ts";

export const verdictSeal = operation({
  name: "vault.verdict.seal",
  summary:
    "Seals a verdict into the project's vault: format v1, one chain however many seal at once.",
  rest: "POST /v1/vault/entries",
  kind: "write",
  status: 201,
  input: z.strictObject({
    session_id: z.string().min(1).max(1_000),
    payload: z
      .record(z.string(), z.json())
      .default({})
      .describe(
        "What is sealed; its verdict (SEAL unless told; VOID, SABAR, PARTIAL, 888_HOLD) and authority (system unless told) are the entry's",
      ),
    target: z.string().min(1).max(1_000).default("seal"),
  }),
  output: answerOf("sealed", {
    sealed: z.object({
      sequence_number: z.int(),
      entry_hash: z.string(),
      prev_hash: z.string(),
      merkle_root: z.string(),
      seal_id: z.uuid().describe("Also the id of the call"),
      timestamp: z.string(),
    }),
  }),

  policy: {
    resource: { type: "Vault", id: ({ principal }) => principal.tenantId },
    context: ["session_id", "target"],
  },
  score: "none",
  async action({ id, tx, time_ms, principal: { tenantId }, input }) {
    const { verdict, authority, sealData } = readPayload(input.payload, input.target);
    const head = await lockHead(tx, tenantId);
    if (head.importUntil !== null)
      throw vaultConflict(`an import up to sequence ${head.importUntil} is under way`);
    const chain = chainOf(head);
    const prev_hash = chain.head.entry_hash;
    const timestamp = v1Timestamp(time_ms);
    const canonical = v1Text({
      authority,
      prev_hash,
      seal_data: sealData,
      seal_id: id,
      session_id: input.session_id,
      timestamp,
      verdict,
    });
    if (canonical.length > TEXT_MAX)
      throw vaultInvalid(`an entry takes at most ${TEXT_MAX} bytes; this has ${canonical.length}`);
    const entry_hash = v1Hash(canonical);
    const sequence = head.sequence + 1;
    const { merkle_root } = chain.seal({ sequence, entry_hash });
    await append(tx, tenantId, headAfter(chain), [
      {
        sequence,
        leafIndex: head.size,
        sealId: id,
        sessionId: input.session_id,
        verdict,
        timestamp,
        canonical,
        entryHash: bytesOf(entry_hash),
        prevHash: bytesOf(prev_hash),
        merkleRoot: bytesOf(merkle_root),
        callId: id,
      },
    ]);
    const sealed = { sequence_number: sequence, entry_hash, prev_hash, merkle_root, seal_id: id };
    return answered({ operation: "sealed" as const, verdict, sealed: { ...sealed, timestamp } });
  },
});
