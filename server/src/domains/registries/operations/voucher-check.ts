import { z } from "zod";
import { operation } from "#pipeline";
import { bytesOf } from "../digest.ts";
import { readKeyset, type StoredKeyset } from "../payment/queries.ts";
import { keysetShown } from "../payment/shapes.ts";
import { voucher } from "../payment/voucher.ts";

export const voucherCheck = operation({
  name: "registries.voucher.check",
  summary:
    "Whether a voucher's keyset is known and taken now. Its signature and whether it was spent are not looked at.",
  rest: "POST /v1/vouchers/check",
  kind: "read",
  input: z.strictObject({ voucher }),
  output: z.object({
    keyset_id: z.string(),
    is_known: z.boolean(),
    is_taken: z.boolean().describe("The keyset is active, and now is within its time"),
    status: z.enum(["announced", "active", "retired"]).nullable(),
    curve: z.string().nullable(),
    valid_from: z.iso.datetime().nullable(),
    valid_to: z.iso.datetime().nullable(),
  }),

  policy: { resource: { type: "VoucherKeyset", id: ({ input }) => input.voucher.keyset_id } },
  score: "none",
  async action({ tx, time_ms, input }) {
    const { keyset_id } = input.voucher;
    const found = await readKeyset(tx, bytesOf(keyset_id));
    if (found === undefined) return { keyset_id, is_known: false, is_taken: false, ...UNKNOWN };
    const { status, curve, valid_from, valid_to } = keysetShown(found);
    const is_taken = isTaken(found, time_ms);
    return { keyset_id, is_known: true, is_taken, status, curve, valid_from, valid_to };
  },
});

const UNKNOWN = { status: null, curve: null, valid_from: null, valid_to: null };

const isTaken = ({ status, validFrom, validTo }: StoredKeyset, time_ms: number): boolean =>
  status === "active" &&
  validFrom.getTime() <= time_ms &&
  (validTo === null || time_ms < validTo.getTime());
