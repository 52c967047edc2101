import { z } from "zod";
import { operation } from "#pipeline";
import { readInForce, readPaymentRecordById } from "../payment/queries.ts";
import { paymentRecord, paymentRecordShown } from "../payment/shapes.ts";
import { paymentRecordMissing } from "../refusals.ts";

export const paymentRecordGet = operation({
  name: "registries.payment-record.get",
  summary: "A payment record with its endorsements, and whether it is in force.",
  rest: "GET /v1/payment-records/{id}",
  kind: "read",
  input: z.strictObject({ id: z.uuid() }),
  output: paymentRecord,

  policy: { resource: { type: "PaymentRecord", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id } }) {
    const found = await readPaymentRecordById(tx, id);
    if (found === undefined) throw paymentRecordMissing(id);
    return paymentRecordShown(found, (await readInForce(tx))?.id);
  },
});
