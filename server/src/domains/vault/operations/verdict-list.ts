import { z } from "zod";
import { operation } from "#pipeline";
import { readPage } from "../queries.ts";
import { answered, answerOf, cursor, limit, PAGE_BYTES_MAX, pageOf, pageShape } from "../shapes.ts";

export const verdictList = operation({
  name: "vault.verdict.list",
  summary: "Entries of the vault, the newest first.",
  rest: "GET /v1/vault/entries",
  kind: "read",
  input: z.strictObject({
    limit,
    cursor: cursor.optional().describe("Entries below this sequence"),
  }),
  output: answerOf("list", pageShape),

  policy: { resource: { type: "Vault", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input }) {
    const limits = { entries: input.limit, bytes: PAGE_BYTES_MAX };
    const page = await readPage(tx, { below: input.cursor }, "desc", limits);
    return answered({ operation: "list" as const, verdict: "SEAL", ...pageOf(page) });
  },
});
