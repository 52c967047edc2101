import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readInForce, readPaymentRecords } from "../payment/queries.ts";
import { paymentRecord, paymentRecordShown } from "../payment/shapes.ts";

const records = listOf(paymentRecord, ({ number }) => number);

export const paymentRecordList = operation({
  name: "registries.payment-record.list",
  summary: "What the payment registry published, the newest first, and which record is in force.",
  rest: "GET /v1/payment-records",
  kind: "read",
  input: z.strictObject(page),
  output: records.output,
  page: records,

  policy: { resource: { type: "PaymentRegistry", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const inForce = await readInForce(tx);
    const rows = await readPaymentRecords(tx, limit + 1, readCursor(cursor, z.int()));
    return records.page(
      rows.map((row) => paymentRecordShown(row, inForce?.id)),
      limit,
    );
  },
});
