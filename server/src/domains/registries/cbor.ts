import { decode, encode, rfc8949EncodeOptions } from "cborg";

/** Core deterministic encoding: RFC 8949 section 4.2.1, keys in the bytewise order of their encodings. */
export const encodeCbor = (value: unknown): Uint8Array => encode(value, rfc8949EncodeOptions);

/**
 * What the one deterministic encoding of a value says. The decoder refuses long lengths, indefinite ones, repeated keys, tags,
 * undefined, NaN, integers beyond 2^53 - 1 and whatever follows the value; the order of keys and the width of floats it does not look at,
 * so the value is encoded again and has to become the same bytes. Throws an `Error` that says why not.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  const value = decode(bytes, STRICT);
  if (!Buffer.from(encodeCbor(value)).equals(bytes))
    throw new Error("CBOR error: not the deterministic encoding (RFC 8949 section 4.2.1)");
  return value;
}

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
} as const;
