import { z } from "zod";
import { hexOf } from "../digest.ts";
import { moment, shownHex } from "../shapes.ts";
import type { StoredKeyset, StoredPaymentRecord } from "./queries.ts";
import { registryMessage } from "./record.ts";

export const paymentRecord = z
  .object({
    id: z.uuid(),
    number: z.int(),
    curve: z.string(),
    keyset_id: shownHex,
    record: shownHex,
    record_hash: shownHex.describe("What the next record names as previous"),
    endorse: shownHex.describe("The message that an endorser signs"),
    endorsers: z.array(shownHex).describe("Whose endorsements count for this record"),
    endorsements: z.array(z.object({ endorser: shownHex, signature: shownHex })),
    status: z
      .enum(["open", "in_force", "superseded", "lapsed"])
      .describe(
        "open: to be endorsed; in_force: by 5 and two thirds of its endorsers; superseded: was in force; lapsed: another came into force first",
      ),
    created_at: moment,
  })
  .meta({ id: "PaymentRecord" });

/** @param current the record in force, if there is one */
export function statusOf(
  { id, previousId, isEndorsed }: Pick<StoredPaymentRecord, "id" | "previousId" | "isEndorsed">,
  current: string | undefined,
): z.input<typeof paymentRecord>["status"] {
  if (isEndorsed) return id === current ? "in_force" : "superseded";
  return previousId === (current ?? null) ? "open" : "lapsed";
}

export const paymentRecordShown = (
  row: StoredPaymentRecord,
  current: string | undefined,
): z.input<typeof paymentRecord> => ({
  id: row.id,
  number: row.number,
  curve: row.curve,
  keyset_id: hexOf(row.keysetId),
  record: hexOf(row.record),
  record_hash: hexOf(row.recordHash),
  endorse: hexOf(registryMessage(row.record)),
  endorsers: row.endorsers.map(hexOf),
  endorsements: row.endorsedBy.map((key, i) => ({
    endorser: hexOf(key),
    signature: hexOf(row.signatures[i]!),
  })),
  status: statusOf(row, current),
  created_at: row.createdAt.toISOString(),
});

export const keyset = z
  .object({
    id: shownHex,
    curve: z.string(),
    public_keys: z.array(shownHex),
    status: z.enum(["announced", "active", "retired"]),
    valid_from: moment,
    valid_to: moment.nullable(),
    created_at: moment,
  })
  .meta({ id: "VoucherKeyset" });

export const keysetShown = (row: StoredKeyset): z.input<typeof keyset> => ({
  id: hexOf(row.id),
  curve: row.curve,
  public_keys: row.publicKeys.map(hexOf),
  status: row.status,
  valid_from: row.validFrom.toISOString(),
  valid_to: row.validTo?.toISOString() ?? null,
  created_at: row.createdAt.toISOString(),
});
