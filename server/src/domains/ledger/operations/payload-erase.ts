import { z } from "zod";
import { operation } from "#pipeline";
import { decodeEntry } from "#verifier";
import { whyKept } from "../erase/erasable.ts";
import { erase } from "../erase/queries.ts";
import { entryById } from "../receipt.ts";
import { notErasable, payloadErased, payloadMissing } from "../refusals.ts";

const rows = z.int().min(0);

export const payloadErase = operation({
  name: "ledger.payload.erase",
  summary:
    "Erases what an entry is about, for good: its salted payload and every row that repeats it. The entry and all proofs stay.",
  rest: "POST /v1/ledger/entries/{id}/erase",
  kind: "write",
  agents: "never",
  input: z.strictObject({
    id: z.uuid(),
    reason: z
      .string()
      .min(1)
      .max(1_000)
      .describe("Why, for those who read the log; sealed, so name nobody"),
  }),
  output: z.object({
    id: z.uuid(),
    index: z.int(),
    payload_hash: z.string().describe("Hex; without the salt nobody can guess what it was made of"),
    erased: z
      .object({
        payload: rows,
        decisions: rows,
        scores: rows,
        payments: rows,
        events: rows,
        answers: rows.describe("By Idempotency-Key; the keys stay taken"),
        deliveries: rows.describe("To webhooks, made or still to be made"),
        approvals: rows,
      })
      .describe("Rows that went, or were emptied"),
  }),

  policy: { resource: { type: "Entry", id: ({ input }) => input.id } },
  score: "none",
  async action({ id: call, tx, input: { id } }) {
    const { index, entry, payload, erasedBy } = await entryById(tx, id);
    const sealed = decodeEntry(entry);
    const kept = whyKept(sealed);
    if (kept !== null) throw notErasable(id, index, kept);
    if (erasedBy !== null) throw payloadErased(id, index, erasedBy);
    if (payload === null) throw payloadMissing(index);
    const removed = await erase(tx, id, call);
    // Another call was faster.
    if (removed.length === 0) throw payloadErased(id, index, null);
    return {
      id,
      index,
      payload_hash: sealed.payload_hash,
      erased: Object.fromEntries(removed.map(({ part, removed: count }) => [part, count])) as Parts,
    };
  },
  subject: ({ id }) => ({ type: "entry", id }),
});

type Parts = Record<
  | "payload"
  | "decisions"
  | "scores"
  | "payments"
  | "events"
  | "answers"
  | "deliveries"
  | "approvals",
  number
>;
