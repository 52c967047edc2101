import { sha256 } from "./sha256.ts";

/** Bytes of a hash. */
export const HASH_SIZE = 32;

/** Root of a log without entries: SHA-256 of nothing (RFC 6962 section 2.1). */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

// Scratch buffers save an allocation per hash. Both are filled and hashed without a pause in between.
const nodeInput = new Uint8Array(1 + 2 * HASH_SIZE).fill(1, 0, 1);
const leafInput = new Uint8Array(1 + 65_535);

/** SHA-256(0x00 ‖ entry bytes). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const length = 1 + entry.length;
  const input = length <= leafInput.length ? leafInput : new Uint8Array(length);
  input.set(entry, 1);
  return sha256(input.subarray(0, length));
}

/** SHA-256(0x01 ‖ left ‖ right); both are 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_SIZE || right.length !== HASH_SIZE) {
    throw new RangeError(`A node joins two hashes of ${HASH_SIZE} bytes.`);
  }
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_SIZE);
  return sha256(nodeInput);
}

/** Root over the hashes of complete subtrees, from left (largest) to right. */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.length === 0
    ? EMPTY_ROOT
    : hashes.reduceRight((right, left) => nodeHash(left, right));
}
