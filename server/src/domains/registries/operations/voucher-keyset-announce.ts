import { z } from "zod";
import { instant } from "#kernel/instant.ts";
import { operation } from "#pipeline";
import { bytesOf } from "../digest.ts";
import { insertKeyset } from "../payment/queries.ts";
import { keysetIdOf } from "../payment/record.ts";
import { keyset, keysetShown } from "../payment/shapes.ts";
import { keysetTaken } from "../refusals.ts";

/** Of whichever curve: 16 to 192 bytes, which BLS12-381 in any of its forms fits. */
const keys = z
  .array(
    z
      .string()
      .regex(/^(?:[0-9a-f]{2}){16,192}$/, "16 to 192 bytes in lower-case hex")
      .meta({ examples: ["ab".repeat(32)] }),
  )
  .min(1)
  .max(100)
  .refine((all) => new Set(all).size === all.length, "each key once")
  .refine((all) => all.every(({ length }) => length === all[0]!.length), "keys of one length");

/** Its example is after that of valid_from. */
const end = z.iso
  .datetime({ offset: true })
  .meta({ examples: ["2100-01-01T00:00:00.000Z"] })
  .pipe(instant);

export const voucherKeysetAnnounce = operation({
  name: "registries.voucher-keyset.announce",
  summary: "Announces the public keys of vouchers; their hash is the keyset's id.",
  rest: "POST /v1/voucher-keysets",
  kind: "write",
  status: 201,
  input: z
    .strictObject({
      curve: z.string().min(1).max(60),
      public_keys: keys,
      valid_from: instant,
      valid_to: end.optional().describe("Exclusive; without end unless told"),
    })
    .refine(({ valid_from, valid_to }) => valid_to === undefined || valid_from < valid_to, {
      path: ["valid_to"],
      message: "after valid_from",
    }),
  output: keyset,

  policy: { resource: { type: "PaymentRegistry", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id: callId, tx, time_ms, principal: { tenantId }, input }) {
    const id = keysetIdOf(input.public_keys.map(bytesOf));
    const made = await insertKeyset(tx, tenantId, {
      id: bytesOf(id),
      curve: input.curve,
      publicKeys: input.public_keys.toSorted().map(bytesOf),
      validFrom: new Date(input.valid_from),
      validTo: input.valid_to === undefined ? null : new Date(input.valid_to),
      callId,
      createdAt: new Date(time_ms),
    });
    if (made === undefined) throw keysetTaken(id);
    return keysetShown(made);
  },
});
