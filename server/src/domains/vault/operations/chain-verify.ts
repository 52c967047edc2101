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
    merkle_root: z.string().nullable().describe("When it is valid"),
    entries: z.int().nullable().describe("When it is valid"),
    first_invalid_seq: z.int().nullable().describe("When it is not"),
    reason: z
      .enum(["hash-mismatch", "prev-hash-mismatch", "head-mismatch", "merkle-mismatch"])
      .nullable()
      .describe("When it is not"),
  }),

  policy: { resource: { type: "Vault", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx }) {
    if (running >= AT_ONCE_MAX) throw vaultBusy(AT_ONCE_MAX);
    running++;
    try {
      const report = await verifyVault(tx);
      const verdict = report.valid ? "SEAL" : "VOID";
      return answered({ operation: "verify" as const, verdict, ...NOTHING, ...report });
    } finally {
      running--;
    }
  },
});

const NOTHING = { merkle_root: null, entries: null, first_invalid_seq: null, reason: null };

/** Each reads a whole vault on a connection of its own: more at once would leave other calls without one. */
const AT_ONCE_MAX = 2;
let running = 0;
