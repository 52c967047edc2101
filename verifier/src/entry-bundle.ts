import { TILE_WIDTH } from "./tiles.ts";
import { VerifyError } from "./verify-error.ts";

/** The length prefix of a bundle is a uint16. */
export const ENTRY_SIZE_MAX = 65_535;

/** c2sp.org/tlog-tiles entry bundle: each entry after its big-endian uint16 length. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0 || entries.length > TILE_WIDTH) {
    throw new RangeError(`A bundle has 1 to ${TILE_WIDTH} entries, not ${entries.length}.`);
  }
  const bundle = new Uint8Array(entries.reduce((size, entry) => size + 2 + entry.length, 0));
  let offset = 0;
  for (const entry of entries) {
    if (entry.length > ENTRY_SIZE_MAX) {
      throw new RangeError(`An entry has ${entry.length} bytes; ${ENTRY_SIZE_MAX} is the most.`);
    }
    bundle[offset] = entry.length >> 8;
    bundle[offset + 1] = entry.length & 255;
    bundle.set(entry, offset + 2);
    offset += 2 + entry.length;
  }
  return bundle;
}

/** The entries of a bundle, views into it. */
export function decodeEntryBundle(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let offset = 0; offset < bundle.length; ) {
    const length = ((bundle[offset] ?? 0) << 8) | (bundle[offset + 1] ?? 0);
    const end = offset + 2 + length;
    if (end > bundle.length) throw malformed("it ends inside an entry");
    entries.push(bundle.subarray(offset + 2, end));
    offset = end;
  }
  if (entries.length === 0 || entries.length > TILE_WIDTH) {
    throw malformed(`it has ${entries.length} entries, not 1 to ${TILE_WIDTH}`);
  }
  return entries;
}

function malformed(why: string): VerifyError {
  return new VerifyError(
    "verify/bundle-malformed",
    `This is no entry bundle: ${why}.`,
    "Fetch the bundle again, as bytes.",
  );
}
