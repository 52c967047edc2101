import { z } from "zod";
import { hexOf } from "../digest.ts";
import { moment, shownHex } from "../shapes.ts";
import type { StoredForwarding } from "./queries.ts";

export const forwarding = z
  .object({
    id: z.uuid(),
    relay: shownHex,
    peer: shownHex.nullable(),
    period_start: moment,
    period_end: moment,
    forwarded_bytes: z.int(),
    charged_units: z.int(),
    keyset_id: shownHex.nullable(),
    public_key: shownHex,
    record: shownHex,
    signature: shownHex,
    created_at: moment,
  })
  .meta({ id: "ForwardingRecord" });

export const forwardingShown = (row: StoredForwarding): z.input<typeof forwarding> => ({
  id: row.id,
  relay: hexOf(row.relay),
  peer: row.peer === null ? null : hexOf(row.peer),
  period_start: row.start.toISOString(),
  period_end: row.end.toISOString(),
  forwarded_bytes: row.bytes,
  charged_units: row.units,
  keyset_id: row.keysetId === null ? null : hexOf(row.keysetId),
  public_key: hexOf(row.publicKey),
  record: hexOf(row.record),
  signature: hexOf(row.signature),
  created_at: row.createdAt.toISOString(),
});
