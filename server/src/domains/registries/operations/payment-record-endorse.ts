import { z } from "zod";
import { operation } from "#pipeline";
import { bytesOf, hexOf, isSigned } from "../digest.ts";
import {
  insertPaymentEndorsement,
  lockPayments,
  readInForce,
  readPaymentRecordById,
} from "../payment/queries.ts";
import { registryMessage } from "../payment/record.ts";
import { paymentRecord, paymentRecordShown, statusOf } from "../payment/shapes.ts";
import {
  endorsedAlready,
  paymentRecordClosed,
  paymentRecordMissing,
  registrySigInvalid,
} from "../refusals.ts";
import { publicKey, signature } from "../shapes.ts";

export const paymentRecordEndorse = operation({
  name: "registries.payment-record.endorse",
  summary:
    "An endorser stands by a payment record: 5 of them, and two thirds of all, bring it into force.",
  rest: "POST /v1/payment-records/{id}/endorse",
  kind: "write",
  input: z.strictObject({
    id: z.uuid(),
    endorser: publicKey,
    signature: signature.describe('Of SHA-256("BN-REG", record)'),
  }),
  output: paymentRecord,

  policy: { resource: { type: "PaymentRecord", id: ({ input }) => input.id } },
  score: "none",
  async action({ id: callId, tx, time_ms, principal: { tenantId }, input }) {
    const { id, endorser } = input;
    await lockPayments(tx, tenantId);
    const found = await readPaymentRecordById(tx, id);
    if (found === undefined) throw paymentRecordMissing(id);
    const inForce = await readInForce(tx);
    const status = statusOf(found, inForce?.id);
    if (status === "superseded" || status === "lapsed")
      throw paymentRecordClosed(id, found.number, inForce!.number);
    if (!found.endorsers.some((key) => hexOf(key) === endorser))
      throw registrySigInvalid(id, `${endorser} is no endorser of this record`);
    const key = bytesOf(endorser);
    const given = bytesOf(input.signature);
    if (!isSigned(key, registryMessage(found.record), given))
      throw registrySigInvalid(id, `the signature of ${endorser} is of something else`);
    const endorsement = { about: id, by: key, signature: given, callId };
    const createdAt = new Date(time_ms);
    if (!(await insertPaymentEndorsement(tx, tenantId, { ...endorsement, createdAt })))
      throw endorsedAlready(id, endorser);
    const now = (await readPaymentRecordById(tx, id))!;
    return paymentRecordShown(now, now.isEndorsed ? id : inForce?.id);
  },
  subject: ({ id }) => ({ type: "payment_record", id }),
});
