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

  // The older size is a power of two: its root starts the path, and the proof leaves it out.
  const path = isPowerOfTwo(older.size) ? [older.root, ...proof] : proof;
  const roots = rootsOfGrowth(older.size, newer.size, path);
  return (
    roots !== undefined &&
    equalBytes(roots.older, older.root) &&
    equalBytes(roots.newer, newer.root)
  );
}

/**
 * The roots of a log at two sizes, 0 < older < newer, that a path from its older tree leads to (RFC 9162 section 2.1.4.2,
 * with the first hash always given); undefined when it is no path between these sizes.
 */
export function rootsOfGrowth(
  older: number,
  newer: number,
  [first, ...rest]: readonly Uint8Array[],
): { older: Uint8Array; newer: Uint8Array } | undefined {
  if (!isCount(older) || !isCount(newer) || older === 0 || older >= newer) return undefined;
  if (first === undefined || !areHashes([first, ...rest])) return undefined;
  let at = older - 1;
  let last = newer - 1;
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  let olderHash = first;
  let newerHash = first;
  for (const hash of rest) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      olderHash = nodeHash(hash, olderHash);
      newerHash = nodeHash(hash, newerHash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      newerHash = nodeHash(newerHash, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? { older: olderHash, newer: newerHash } : undefined;
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

/** Counted by division, too. */
export function isPowerOfTwo(size: number): boolean {
  let rest = size;
  while (rest > 1 && rest % 2 === 0) rest /= 2;
  return rest === 1;
}
