import { z } from "zod";
import { hexOf } from "../digest.ts";
import { KEY, moment, publicKey, shownHex } from "../shapes.ts";
import type { StoredAliasRecord, StoredSet } from "./queries.ts";
import { aliasName, endorsementMessage, setDigest } from "./record.ts";

export const alias = aliasName.meta({ examples: ["gate"] });
const ts = z.int().describe("Seconds since 1970");

/** Three of whom two are enough; more are no alias of this protocol. */
export const maintainers = z
  .array(publicKey)
  .length(3)
  .refine((keys) => new Set(keys).size === keys.length, "three different keys")
  .meta({
    examples: [
      [
        KEY,
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      ],
    ],
  });
export const minSigners = z.literal(2).default(2).describe("How many endorsements make it final");

export const maintainerSet = z
  .object({
    id: z.uuid(),
    alias: z.string(),
    number: z.int().describe("1, and one more with each rotation"),
    maintainers: z.array(shownHex),
    min_signers: z.int(),
    digest: shownHex.describe("What rotations and endorsements are signed for"),
    rotation_signers: z.array(shownHex).describe("Of the set before; empty for the first"),
    created_at: moment,
  })
  .meta({ id: "AliasMaintainers" });

export const setShown = (set: StoredSet): z.input<typeof maintainerSet> => ({
  id: set.id,
  alias: set.alias,
  number: set.number,
  maintainers: set.maintainers.map(hexOf),
  min_signers: set.minSigners,
  digest: hexOf(setDigest(set)),
  rotation_signers: set.rotationSigners.map(hexOf),
  created_at: set.createdAt.toISOString(),
});

export const aliasRecord = z
  .object({
    id: z.uuid(),
    alias: z.string(),
    node: shownHex,
    public_key: shownHex,
    seq: z.int(),
    ts,
    signature: shownHex,
    record: shownHex,
    maintainers_id: z.uuid().describe("The set that was current when it was submitted"),
    endorse: shownHex.describe("The message that a maintainer of that set signs to endorse it"),
    endorsements: z.array(z.object({ maintainer: shownHex, signature: shownHex })),
    is_final: z.boolean().describe("Enough maintainers have endorsed it"),
    created_at: moment,
  })
  .meta({ id: "AliasRecord" });

export const aliasRecordShown = (row: StoredAliasRecord): z.input<typeof aliasRecord> => ({
  id: row.id,
  alias: row.alias,
  node: hexOf(row.node),
  public_key: hexOf(row.publicKey),
  seq: row.seq,
  ts: row.ts,
  signature: hexOf(row.signature),
  record: hexOf(row.record),
  maintainers_id: row.setId,
  endorse: hexOf(endorsementMessage(row, row.record)),
  endorsements: row.endorsers.map((key, i) => ({
    maintainer: hexOf(key),
    signature: hexOf(row.signatures[i]!),
  })),
  is_final: row.isFinal,
  created_at: row.createdAt.toISOString(),
});
