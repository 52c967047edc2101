import { z } from "zod";
import { instant } from "#kernel/instant.ts";
import { operation } from "#pipeline";
import { featuresOf } from "../features.ts";
import { type Payment, paymentRows } from "../queries.ts";

const cents = z.int().min(0);
const account = z.string().min(1).max(120);

const input = z.strictObject({
  external_id: z.string().min(1).max(120).optional().describe("Your own id of the transaction"),
  type: z.enum(["PAYMENT", "TRANSFER", "CASH_OUT", "CASH_IN", "DEBIT"]),
  amount_cents: cents,
  origin_account: account,
  origin_before_cents: cents.optional().describe("Balance of the origin before the transaction"),
  origin_after_cents: cents.optional().describe("Balance of the origin after the transaction"),
  destination_account: account,
  destination_before_cents: cents.optional(),
  destination_after_cents: cents.optional(),
  occurred_at: instant.optional(),
});

export const transactionAssess = operation({
  name: "risk.transaction.assess",
  summary: "Assesses the risk of a payment and records it, unless a policy or its score refuses.",
  rest: "POST /v1/risk/transactions",
  kind: "write",
  status: 201,
  manyMax: 1_000,
  input,
  output: z.object({
    id: z.uuid().describe("Of the transaction, its decision, its score and its ledger entry"),
    score: z.number(),
    level: z.string(),
    reasons: z.array(z.string()),
    features: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  }),

  policy: {
    resource: { type: "Account", id: ({ input }) => input.origin_account },
    context: ["type", "amount_cents"],
  },
  score: subjectOf,
  record({ id, time_ms, input, score }) {
    const features = featuresOf(subjectOf(input));
    const { value, level, reasons } = score!;
    return {
      output: { id, score: value, level, reasons: [...reasons], features: { ...features } },
      rows: paymentRows(id, input, features, time_ms),
      subject: { type: "transaction", id },
    };
  },
});

function subjectOf(payment: Payment) {
  return {
    type: payment.type,
    amountCents: payment.amount_cents,
    originBeforeCents: payment.origin_before_cents ?? null,
    originAfterCents: payment.origin_after_cents ?? null,
  };
}
