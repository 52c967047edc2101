import { z } from "zod";
import { TILE_WIDTH } from "#verifier";
import type { StoredArchive } from "./queries.ts";

/** Entries of one archive, and so of one transaction: 64 bundles. */
export const ARCHIVE_MAX = 64 * TILE_WIDTH;
/** Entries of one call that reads or brings back. */
export const ENTRIES_MAX = 1_024;

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const index = z.int().min(0);

export const manifestHash = hex
  .describe("Hex of SHA-256 of the manifest, which has that of every file")
  .meta({ examples: ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] });

/** An entry as it goes into files: all that is needed to put it back. */
export const archivedEntry = z
  .strictObject({
    index,
    id: z.uuid(),
    entry: z.string().min(1).describe("The canonical text that is hashed"),
    salt: z
      .string()
      .max(44)
      .nullable()
      .describe("Base64 of 32 bytes; null when the payload was erased"),
    payload: z
      .string()
      .nullable()
      .describe("Canonical JSON; with the salt it gives the entry's payload_hash"),
  })
  .meta({ id: "ArchivedEntry" });

export const archive = z
  .object({
    number: z.int(),
    kind: z.enum(["archived", "restored"]),
    first: index.describe("The first entry of it"),
    past: index.describe("The first entry after it"),
    minimum: index.describe("Entries below it are in archives since then"),
    root: z.string().describe("Base64 of the log's root at the size `past`"),
    manifest_hash: hex,
    entry_id: z.uuid().describe("The call that did it, and its entry"),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Archive" });

export const archiveShown = ({
  number,
  kind,
  first,
  past,
  minimum,
  root,
  manifestHash: hash,
  entryId,
  createdAt,
}: StoredArchive & { readonly number: number }): z.input<typeof archive> => ({
  number,
  kind,
  first,
  past,
  minimum,
  root: root.toString("base64"),
  manifest_hash: hash.toString("hex"),
  entry_id: entryId,
  created_at: createdAt.toISOString(),
});
