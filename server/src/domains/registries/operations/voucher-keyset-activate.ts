import { z } from "zod";
import { operation } from "#pipeline";
import { bytesOf, hexOf } from "../digest.ts";
import { lockPayments, moveKeyset, readInForce, readKeyset } from "../payment/queries.ts";
import { keyset, keysetShown } from "../payment/shapes.ts";
import { keysetConflict, keysetMissing, keysetNotInForce } from "../refusals.ts";
import { keysetId } from "../shapes.ts";

export const voucherKeysetActivate = operation({
  name: "registries.voucher-keyset.activate",
  summary: "From now on vouchers of this keyset are taken: the payment record in force names it.",
  rest: "POST /v1/voucher-keysets/{id}/activate",
  kind: "write",
  input: z.strictObject({ id: keysetId }),
  output: keyset,

  policy: { resource: { type: "VoucherKeyset", id: ({ input }) => input.id } },
  score: "none",
  async action({ id: callId, tx, principal: { tenantId }, input: { id } }) {
    const found = await readKeyset(tx, bytesOf(id));
    if (found === undefined) throw keysetMissing(id);
    await lockPayments(tx, tenantId);
    const inForce = await readInForce(tx);
    if (inForce === undefined || hexOf(inForce.keysetId) !== id)
      throw keysetNotInForce(id, inForce === undefined ? null : hexOf(inForce.keysetId));
    const step = { from: ["announced"], to: "active", callId } as const;
    const moved = await moveKeyset(tx, bytesOf(id), step);
    if (moved === undefined) throw keysetConflict(id, (await readKeyset(tx, bytesOf(id)))!.status);
    return keysetShown(moved);
  },
});
