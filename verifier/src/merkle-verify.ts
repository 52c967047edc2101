import { equalBytes } from "./bytes.ts";
import { EMPTY_ROOT, HASH_SIZE, nodeHash } from "./merkle.ts";

/** Sizes are below 2^53, so no proof is longer. */
export const PROOF_LENGTH_MAX = 53;

export type InclusionClaim = {
  /** Hash of the leaf, `leafHash(entry)`. */
  leaf: Uint8Array;
  index: number;
  size: number;
  proof: readonly Uint8Array[];
  root: Uint8Array;
};

/** Whether the leaf is entry `index` of the tree (RFC 9162 section 2.1.3.2). */
export function verifyInclusion({ leaf, index, size, proof, root }: InclusionClaim): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes([leaf, root, ...proof])) {
    return false;
  }
  let hash = leaf;
  let at = index;
  let last = size - 1;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalBytes(hash, root);
}

export type ConsistencyClaim = {
  older: { size: number; root: Uint8Array };
  newer: { size: number; root: Uint8Array };
  proof: readonly Uint8Array[];
};

/** Whether the newer tree begins with all entries of the older one (RFC 9162 section 2.1.4.2). */
export function verifyConsistency({ older, newer, proof }: ConsistencyClaim): boolean {
  if (!isCount(older.size) || !isCount(newer.size) || older.size > newer.size) return false;
  if (!areHashes([older.root, newer.root, ...proof])) return false;
  if (older.size === newer.size) return proof.length === 0 && equalBytes(older.root, newer.root);
  if (older.size === 0) return proof.length === 0 && equalBytes(older.root, EMPTY_ROOT);

  let at = older.size - 1;
  let last = newer.size - 1;
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  // at === 0: the older size is a power of two, and its root starts the path.
  const [first, ...rest] = at === 0 ? [older.root, ...proof] : proof;
  if (first === undefined) return false;
  let olderHash = first;
  let newerHash = first;
  for (const hash of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      olderHash = nodeHash(hash, olderHash);
      newerHash = nodeHash(hash, newerHash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      newerHash = nodeHash(newerHash, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalBytes(olderHash, older.root) && equalBytes(newerHash, newer.root);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.length <= PROOF_LENGTH_MAX + 2 && values.every((hash) => hash.length === HASH_SIZE);
}

/** Shifts by division: the bit operators would cut sizes to 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2);
}
