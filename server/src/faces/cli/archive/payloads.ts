import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { canonicalJson, decodeEntry, parseJson, payloadHash } from "#verifier";

const line = z.strictObject({
  index: z.int(),
  id: z.uuid(),
  salt: z.base64().nullable(),
  payload: z.string().nullable(),
});

/** What an entry is about, beside its bundle; without salt and payload when that was erased. */
export type Opening = z.output<typeof line>;

/** A line an entry, in order (NDJSON), compressed. */
export const encodePayloads = (openings: readonly Opening[]): Buffer =>
  gzipSync(openings.map((opening) => `${canonicalJson(opening)}\n`).join(""));

/** Throws when it is anything else. */
export const decodePayloads = (bytes: Uint8Array): Opening[] =>
  gunzipSync(bytes)
    .toString()
    .split("\n")
    .slice(0, -1)
    .map((text) => line.parse(parseJson(text)));

/** Whether salt and payload are those that the entry has the hash of; an erased one has neither. */
export function isOf({ salt, payload }: Opening, entry: Uint8Array): boolean {
  if (salt === null || payload === null) return salt === payload;
  const bytes = Buffer.from(salt, "base64");
  return bytes.length === 32 && payloadHash(bytes, payload) === decodeEntry(entry).payload_hash;
}
