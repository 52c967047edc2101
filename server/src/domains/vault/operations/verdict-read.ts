import { z } from "zod";
import { operation } from "#pipeline";
import { readEntry, readPage } from "../queries.ts";
import { vaultInvalid, vaultMissing } from "../refusals.ts";
import {
  answered,
  answerOf,
  cursor,
  entry,
  PAGE_BYTES_MAX,
  PAGE_MAX,
  pageOf,
  pageShape,
  sequence,
  shown,
} from "../shapes.ts";

export const verdictRead = operation({
  name: "vault.verdict.read",
  summary: "The entry of a sequence, or those of a session, the oldest first.",
  rest: "GET /v1/vault/read",
  kind: "read",
  input: z.strictObject({
    sequence: sequence.optional(),
    session_id: z.string().min(1).max(1_000).optional(),
    cursor: cursor.optional().describe("Of a session's entries, those above this sequence"),
  }),
  output: answerOf("read", {
    entry: entry.nullable().describe("When a sequence was asked for"),
    entries: pageShape.entries.nullable().describe("When a session was asked for"),
    next_cursor: pageShape.next_cursor,
    has_more: pageShape.has_more,
  }),

  policy: { resource: { type: "Vault", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input }) {
    const done = { operation: "read", verdict: "SEAL" } as const;
    if (input.sequence !== undefined) {
      const found = await readEntry(tx, input.sequence);
      if (found === undefined) throw vaultMissing(`there is no entry ${input.sequence}`);
      const none = { entries: null, next_cursor: null, has_more: false };
      return answered({ ...done, entry: shown(found), ...none });
    }
    if (input.session_id === undefined) throw vaultInvalid("read needs a sequence or a session_id");
    const filter = { session: input.session_id, above: input.cursor };
    const limits = { entries: PAGE_MAX, bytes: PAGE_BYTES_MAX };
    const page = await readPage(tx, filter, "asc", limits);
    if (page.rows.length === 0) throw vaultMissing(`no entry of session ${input.session_id}`);
    return answered({ ...done, entry: null, ...pageOf(page) });
  },
});
