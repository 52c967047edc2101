import { toHex, utf8 } from "../bytes.ts";
import { sha256 } from "../sha256.ts";

/**
 * The Merkle tree of format v1. Its leaves are the entries' hashes as they are; a parent is SHA-256 over the hex of its two
 * children; where a level has an odd number of nodes, the last is its own neighbour; one leaf is its own root.
 *
 * Two properties that every reader must know, and that format v2 does not have: `[a, b, c]` and `[a, b, c, c]` have the same
 * root, and nothing tells a leaf from a node. So start from an entry's text, never from a hash that somebody calls a leaf.
 */
export const v1NodeHash = (left: string, right: string): string =>
  toHex(sha256(utf8(left + right)));

/** Root of a ledger without entries: SHA-256 of `EMPTY_LEDGER`. */
export const V1_EMPTY_ROOT: string = toHex(sha256(utf8("EMPTY_LEDGER")));

/** Told of every complete node: level 0 is a leaf, and node `index` of a level stands for `2^level` leaves. */
export type V1NodeListener = (level: number, index: number, hash: string) => void;

/** All that is needed to extend a ledger: the roots of its complete subtrees, largest first, one for each bit of its size. */
export class V1Range {
  #size: number;
  readonly #hashes: string[];

  /** Continues from what was stored; RangeError if size and hashes cannot belong together. */
  constructor(size = 0, hashes: readonly string[] = []) {
    if (!Number.isSafeInteger(size) || size < 0 || hashes.length !== bitsOf(size))
      throw new RangeError(`A ledger of ${size} entries has not ${hashes.length} subtrees.`);
    this.#size = size;
    this.#hashes = [...hashes];
  }

  get size(): number {
    return this.#size;
  }

  /** To be stored with `size`; a copy. */
  get hashes(): string[] {
    return [...this.#hashes];
  }

  append(leaf: string, onNode?: V1NodeListener): void {
    let node = leaf;
    let index = this.#size;
    onNode?.(0, index, node);
    for (let level = 1; index % 2 === 1; level++) {
      node = v1NodeHash(this.#hashes.pop()!, node);
      index = (index - 1) / 2;
      onNode?.(level, index, node);
    }
    this.#hashes.push(node);
    this.#size++;
  }

  root(): string {
    return this.edge().at(-1)?.hash ?? V1_EMPTY_ROOT;
  }

  /** The last node of each level, from that of the smallest complete subtree up to the root. Others are complete. */
  edge(): { level: number; hash: string }[] {
    const waiting = this.hashes;
    let hash = waiting.pop();
    if (hash === undefined) return [];
    let [level, nodes] = [0, this.#size];
    for (; nodes % 2 === 0; level++) nodes /= 2;
    const edge = [{ level, hash }];
    while (nodes > 1) {
      // An odd level's last node is its own neighbour; an even one's has a complete subtree to its left.
      hash = nodes % 2 === 1 ? v1NodeHash(hash, hash) : v1NodeHash(waiting.pop()!, hash);
      nodes = Math.ceil(nodes / 2);
      edge.push({ level: ++level, hash });
    }
    return edge;
  }
}

/** Root over the hex hashes of entries. */
export function v1Root(hashes: Iterable<string>): string {
  const range = new V1Range();
  for (const hash of hashes) range.append(hash);
  return range.root();
}

function bitsOf(size: number): number {
  let bits = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}
