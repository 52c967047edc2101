import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { bytesOf } from "../digest.ts";
import { readKeysets } from "../payment/queries.ts";
import { keyset, keysetShown } from "../payment/shapes.ts";
import { keysetId } from "../shapes.ts";

const keysets = listOf(keyset, ({ id }) => id);

export const voucherKeysetList = operation({
  name: "registries.voucher-keyset.list",
  summary: "The keysets of vouchers, by id.",
  rest: "GET /v1/voucher-keysets",
  kind: "read",
  input: z.strictObject(page),
  output: keysets.output,
  page: keysets,

  policy: { resource: { type: "PaymentRegistry", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const after = readCursor(cursor, keysetId);
    const rows = await readKeysets(tx, limit + 1, after === undefined ? after : bytesOf(after));
    return keysets.page(rows.map(keysetShown), limit);
  },
});
