import { z } from "zod";
import { operation } from "#pipeline";
import { bytesOf, digest, hexOf } from "../digest.ts";
import {
  insertPaymentRecord,
  lockPayments,
  readInForce,
  readKeyset,
  readLastPaymentNumber,
  readPaymentRecordById,
} from "../payment/queries.ts";
import { readPaymentRecord } from "../payment/record.ts";
import { paymentRecord, paymentRecordShown } from "../payment/shapes.ts";
import { keysetCurveDiffers, keysetMissing, paymentRecordConflict } from "../refusals.ts";
import { record } from "../shapes.ts";

export const paymentRecordPublish = operation({
  name: "registries.payment-record.publish",
  summary: "Publishes a curve and keyset; 5 and two thirds of the endorsers bring it into force.",
  rest: "POST /v1/payment-records",
  kind: "write",
  status: 201,
  input: z.strictObject({
    record: record.describe(
      "Deterministic CBOR of {curve, endorsers, keyset, number, previous}, in hex",
    ),
  }),
  output: paymentRecord,

  policy: { resource: { type: "PaymentRegistry", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id, tx, time_ms, principal: { tenantId }, input }) {
    const bytes = bytesOf(input.record);
    const { curve, endorsers, keyset, number, previous } = readPaymentRecord(bytes);
    const announced = await readKeyset(tx, keyset);
    if (announced === undefined) throw keysetMissing(hexOf(keyset));
    if (announced.curve !== curve) throw keysetCurveDiffers(hexOf(keyset), curve, announced.curve);
    await lockPayments(tx, tenantId);
    const expected = (await readLastPaymentNumber(tx)) + 1;
    const inForce = await readInForce(tx);
    const hash = inForce === undefined ? null : hexOf(inForce.recordHash);
    if (number !== expected || (previous === null ? null : hexOf(previous)) !== hash)
      throw paymentRecordConflict(number, expected, hash);
    const stored = {
      id,
      number,
      keysetId: keyset,
      record: bytes,
      recordHash: digest(bytes),
      previousId: inForce?.id ?? null,
      // Those of the record in force say what follows it, so that nobody brings endorsers of their own.
      endorsers: inForce === undefined ? endorsers : readPaymentRecord(inForce.record).endorsers,
      createdAt: new Date(time_ms),
    };
    await insertPaymentRecord(tx, tenantId, stored);
    return paymentRecordShown((await readPaymentRecordById(tx, id))!, inForce?.id);
  },
  subject: ({ id }) => ({ type: "payment_record", id }),
});
