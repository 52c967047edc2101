import { foldRight, HASH_SIZE, nodeHash } from "./merkle.ts";

/** Told of every node that an append completes: level 0 is a leaf. Full tiles are made from these. */
export type NodeListener = (level: number, index: number, hash: Uint8Array) => void;

/**
 * All that is needed to extend a log: the hashes of its complete subtrees, at most 53, one for each bit
 * that is set in its size, from left (largest) to right.
 */
export class CompactRange {
  #size = 0;
  #hashes: Uint8Array[] = [];

  /** Continues from stored `size` and `hashes`; RangeError if they cannot belong together. */
  static restore(size: number, hashes: readonly Uint8Array[]): CompactRange {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no log size.`);
    if (hashes.length !== subtreeCount(size) || hashes.some((hash) => hash.length !== HASH_SIZE)) {
      throw new RangeError(
        `A log of ${size} entries has ${subtreeCount(size)} subtree hashes of ${HASH_SIZE} bytes.`,
      );
    }
    const range = new CompactRange();
    range.#size = size;
    range.#hashes = hashes.map((hash) => hash.slice());
    return range;
  }

  get size(): number {
    return this.#size;
  }

  /** To be stored with `size`; a copy. */
  get hashes(): Uint8Array[] {
    return [...this.#hashes];
  }

  /** Adds the hash of the next leaf. */
  append(hash: Uint8Array, onNode?: NodeListener): void {
    if (hash.length !== HASH_SIZE) throw new RangeError(`A leaf hash has ${HASH_SIZE} bytes.`);
    let node = hash;
    let index = this.#size;
    onNode?.(0, index, node);
    for (let level = 1; index % 2 === 1; level++) {
      node = nodeHash(this.#hashes.pop() as Uint8Array, node);
      index = (index - 1) / 2;
      onNode?.(level, index, node);
    }
    this.#hashes.push(node);
    this.#size++;
  }

  root(): Uint8Array {
    return foldRight(this.#hashes);
  }

  /** An independent copy, to try a batch on. */
  clone(): CompactRange {
    return CompactRange.restore(this.#size, this.#hashes);
  }
}

function subtreeCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
