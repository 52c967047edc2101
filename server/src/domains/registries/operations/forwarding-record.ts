import { z } from "zod";
import { operation } from "#pipeline";
import { bytesOf, hexOf, isSigned, nodeOf } from "../digest.ts";
import { insertForwarding, lockRelay, overlaps } from "../forwarding/queries.ts";
import { forwardingMessage, readForwardingRecord } from "../forwarding/record.ts";
import { forwarding, forwardingShown } from "../forwarding/shapes.ts";
import { lifetimeAt } from "../lifetime.ts";
import { readKeyset } from "../payment/queries.ts";
import {
  forwardingPeriodOpen,
  forwardingPeriodTaken,
  forwardingSigInvalid,
  keysetMissing,
} from "../refusals.ts";
import { publicKey, record, signature } from "../shapes.ts";

export const forwardingRecord = operation({
  name: "registries.forwarding.record",
  summary: "Records what a relay forwarded in a period and charged for it, signed by the relay.",
  rest: "POST /v1/forwarding",
  kind: "write",
  status: 201,
  input: z.strictObject({
    record: record.describe(
      "Deterministic CBOR of {bytes, end, keyset, peer, relay, start, units}, in hex",
    ),
    public_key: publicKey.describe("The relay's: its SHA-256 begins with relay"),
    signature: signature.describe('Of SHA-256("BN-ACCOUNT", record)'),
  }),
  output: forwarding,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id, tx, time_ms, principal: { tenantId }, input }) {
    const bytes = bytesOf(input.record);
    const publicKey = bytesOf(input.public_key);
    const signature = bytesOf(input.signature);
    const { start, end, relay, peer, keyset, ...counted } = readForwardingRecord(bytes);
    const name = hexOf(relay);
    if (!nodeOf(publicKey).equals(relay))
      throw forwardingSigInvalid(name, "public_key is not that of the relay");
    if (!isSigned(publicKey, forwardingMessage(bytes), signature))
      throw forwardingSigInvalid(name, "the signature is of something else");
    const { latest } = lifetimeAt(time_ms);
    if (end > latest) throw forwardingPeriodOpen(name, end, latest);
    if (keyset !== null && (await readKeyset(tx, keyset)) === undefined)
      throw keysetMissing(hexOf(keyset));
    await lockRelay(tx, tenantId, relay);
    const period = { relay, peer, start: new Date(start * 1000), end: new Date(end * 1000) };
    if (await overlaps(tx, period)) throw forwardingPeriodTaken(name, start, end);
    const stored = {
      id,
      ...period,
      ...counted,
      keysetId: keyset,
      publicKey,
      record: bytes,
      signature,
      createdAt: new Date(time_ms),
    };
    await insertForwarding(tx, tenantId, stored);
    return forwardingShown(stored);
  },
  subject: ({ id }) => ({ type: "forwarding", id }),
});
