import { z } from "zod";
import { operation } from "#pipeline";
import { importFiles } from "../import.ts";
import { answered, answerOf, sequence } from "../shapes.ts";

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits")
  .meta({ examples: ["13c5f3000bee8e4f6dca00b8c16fb69684f37e8e14f93d6b944caf69aa0dcb4e"] });

export const legacyImport = operation({
  name: "vault.legacy.import",
  summary:
    "Adds files of an earlier ledger to the vault, in order; the call with the last of them reconciles and anchors the whole.",
  rest: "POST /v1/vault/imports",
  kind: "write",
  agents: "never",
  input: z.strictObject({
    entries: z.int().min(1).describe("Of the whole import, like all that follows but the files"),
    first_sequence: sequence,
    last_sequence: sequence,
    head_hash: hash.describe("Hash of the last entry"),
    merkle_root: hash.describe("Root at the last entry"),
    checksum: hash.describe(
      "SHA-256 of what sha256sum prints of the files, in the order of their names",
    ),
    allow_gaps: z
      .boolean()
      .default(false)
      .describe("Numbers may be left out where the chain holds"),
    files: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,249}\.json$/, "letters, digits, . _ - and .json")
            .meta({ examples: ["000001.json"] }),
          text: z.string().max(1_048_576),
        }),
      )
      .max(500)
      .describe("Those that come next, in the order of their sequence, byte for byte"),
  }),
  output: answerOf("imported", {
    imported: z.int().describe("By this call"),
    complete: z.boolean().describe("Everything is there, and agrees with what was said of it"),
    entries: z.int(),
    first_sequence: z.int(),
    last_sequence: z.int(),
    head_hash: z.string(),
    merkle_root: z.string(),
    checksum: z.string(),
  }),

  policy: { resource: { type: "Vault", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id, tx, principal: { tenantId }, input }) {
    const { files, allow_gaps, ...manifest } = input;
    const complete = await importFiles(tx, { tenantId, id }, manifest, files, allow_gaps);
    const done = { operation: "imported", verdict: complete ? "SEAL" : "PARTIAL" } as const;
    return answered({ ...done, imported: files.length, complete, ...manifest });
  },
});
