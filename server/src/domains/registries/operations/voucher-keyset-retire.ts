import { z } from "zod";
import { operation } from "#pipeline";
import { bytesOf } from "../digest.ts";
import { moveKeyset, readKeyset } from "../payment/queries.ts";
import { keyset, keysetShown } from "../payment/shapes.ts";
import { keysetConflict, keysetMissing } from "../refusals.ts";
import { keysetId } from "../shapes.ts";

export const voucherKeysetRetire = operation({
  name: "registries.voucher-keyset.retire",
  summary: "Vouchers of this keyset are not taken any more, for good.",
  rest: "POST /v1/voucher-keysets/{id}/retire",
  kind: "write",
  input: z.strictObject({ id: keysetId }),
  output: keyset,

  policy: { resource: { type: "VoucherKeyset", id: ({ input }) => input.id } },
  score: "none",
  async action({ id: callId, tx, input: { id } }) {
    const step = { from: ["announced", "active"], to: "retired", callId } as const;
    const moved = await moveKeyset(tx, bytesOf(id), step);
    if (moved !== undefined) return keysetShown(moved);
    const found = await readKeyset(tx, bytesOf(id));
    throw found === undefined ? keysetMissing(id) : keysetConflict(id, found.status);
  },
});
