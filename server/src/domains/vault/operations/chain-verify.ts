import { z } from "zod";
import { operation } from "#pipeline";
import { vaultBusy } from "../refusals.ts";
import { answered, answerOf } from "../shapes.ts";
import { verifyVault } from "../verify.ts";

export const chainVerify = operation({
  name: "vault.chain.verify",
  summary: "Recomputes the vault: every entry's hash, what comes before it, the root and the head.",
  rest: "POST /v1/vault/verify",
  kind: "read",
  input: z.strictObject({}),
  output: answerOf("verify", {
    valid: z.boolean(),
    checked_count: z.int(),
    merkle_root: z.string().optional(),
    entries: z.int().optional(),
    first_invalid_seq: z.int().optional(),
    reason: z
      .enum(["hash-mismatch", "prev-hash-mismatch", "head-mismatch", "merkle-mismatch"])
      .optional(),
  }),

  policy: { resource: ({ principal }) => ({ type: "Vault", id: principal.tenantId }) },
  score: "none",
  async action({ tx }) {
    if (running >= AT_ONCE_MAX) throw vaultBusy(AT_ONCE_MAX);
    running++;
    try {
      const report = await verifyVault(tx);
      const verdict = report.valid ? "SEAL" : "VOID";
      return answered({ operation: "verify" as const, verdict, ...report });
    } finally {
      running--;
    }
  },
});

/** Each reads a whole vault on a connection of its own: more at once would leave other calls without one. */
const AT_ONCE_MAX = 2;
let running = 0;
