import { V1Range, v1NodeHash } from "./merkle.ts";

/** One neighbour on the way from an entry to the root, and on which side of it that stands. */
export interface V1Step {
  readonly hash: string;
  readonly position: "left" | "right";
}

export interface V1Proof {
  readonly root: string;
  /** The entry's neighbour first. */
  readonly proof: readonly V1Step[];
  /** From 0. */
  readonly leaf_index: number;
}

/** Collects the proof of one entry while the hashes of all pass by: memory does not grow with them. */
export class V1Prover {
  readonly #leaf: number;
  readonly #range = new V1Range();
  readonly #neighbours = new Map<number, string>();

  constructor(leafIndex: number) {
    this.#leaf = leafIndex;
  }

  /** The hex hash of the next entry. */
  append(hash: string): void {
    this.#range.append(hash, (level, index, node) => {
      if (index === neighbourAt(this.#leaf, level)) this.#neighbours.set(level, node);
    });
  }

  /** Undefined when the ledger has no such entry. */
  proof(): V1Proof | undefined {
    const { size } = this.#range;
    if (!Number.isSafeInteger(this.#leaf) || this.#leaf < 0 || this.#leaf >= size) return undefined;
    const edge = new Map(this.#range.edge().map(({ level, hash }) => [level, hash]));
    const proof: V1Step[] = [];
    for (let level = 0, nodes = size; nodes > 1; level++, nodes = Math.ceil(nodes / 2)) {
      const at = neighbourAt(this.#leaf, level);
      // Of a level's end, complete or not, the edge knows; the last of an odd level is its own neighbour.
      const hash = this.#neighbours.get(level) ?? edge.get(level)!;
      proof.push({ hash, position: at % 2 === 0 ? "left" : "right" });
    }
    return { root: this.#range.root(), proof, leaf_index: this.#leaf };
  }
}

/**
 * Whether the proof leads from this entry's hash, at its index, to its root. Compute the hash from the entry's text
 * (`v1Hash`), and compare the root with one that you trust.
 */
export function verifyV1Proof(entryHash: string, { root, proof, leaf_index }: V1Proof): boolean {
  if (!Number.isSafeInteger(leaf_index) || leaf_index < 0 || proof.length > 53) return false;
  let [hash, at] = [entryHash, leaf_index];
  for (const step of proof) {
    if (step.position !== (at % 2 === 1 ? "left" : "right") || !IS_HASH.test(step.hash))
      return false;
    hash = at % 2 === 1 ? v1NodeHash(step.hash, hash) : v1NodeHash(hash, step.hash);
    at = Math.floor(at / 2);
  }
  return at === 0 && IS_HASH.test(entryHash) && hash === root;
}

const IS_HASH = /^[0-9a-f]{64}$/;

/** The other child of the parent of a leaf's node at this level. */
function neighbourAt(leaf: number, level: number): number {
  const own = Math.floor(leaf / 2 ** level);
  return own % 2 === 0 ? own + 1 : own - 1;
}
