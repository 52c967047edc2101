import { V1_GENESIS } from "./entry.ts";
import { V1_EMPTY_ROOT, V1Range } from "./merkle.ts";

/** Why a ledger of format v1 does not hold, in the order in which it is looked for. */
export type V1Reason = "hash-mismatch" | "prev-hash-mismatch" | "head-mismatch" | "merkle-mismatch";

/** One entry as it is stored, and the hash that its text has. */
export interface V1Link {
  readonly sequence: number;
  /** Undefined when it has none that counts. */
  readonly computedHash: string | undefined;
  readonly entry_hash: string;
  readonly prev_hash: string;
  /** Root of the ledger up to it. */
  readonly merkle_root: string;
}

/** What a ledger says that it ends with. */
export interface V1Head {
  readonly sequence: number;
  readonly entry_hash: string;
  readonly merkle_root: string;
}

export const V1_EMPTY_HEAD: V1Head = {
  sequence: 0,
  entry_hash: V1_GENESIS,
  merkle_root: V1_EMPTY_ROOT,
};

export type V1Report =
  | { valid: true; merkle_root: string; entries: number; checked_count: number }
  | { valid: false; first_invalid_seq: number; reason: V1Reason; checked_count: number };

/** Checks a ledger entry by entry, from its first or from where an earlier check ended, and keeps what the next one needs. */
export class V1Chain {
  readonly #range: V1Range;
  #head: V1Head;
  #checked = 0;

  constructor(head: V1Head = V1_EMPTY_HEAD, range = new V1Range()) {
    this.#head = head;
    this.#range = range;
  }

  /** What the entries so far lead to. */
  get head(): V1Head {
    return this.#head;
  }

  get range(): V1Range {
    return this.#range;
  }

  /** The reason why this entry cannot be the next; undefined when it is. */
  add(link: V1Link): V1Reason | undefined {
    this.#checked++;
    if (link.computedHash !== link.entry_hash) return "hash-mismatch";
    if (link.prev_hash !== this.#head.entry_hash) return "prev-hash-mismatch";
    return link.merkle_root === this.seal(link).merkle_root ? undefined : "merkle-mismatch";
  }

  /** Makes this entry the next, and gives the head that it leads to. */
  seal({ sequence, entry_hash }: Pick<V1Link, "sequence" | "entry_hash">): V1Head {
    this.#range.append(entry_hash);
    this.#head = { sequence, entry_hash, merkle_root: this.#range.root() };
    return this.#head;
  }

  invalid(first_invalid_seq: number, reason: V1Reason): V1Report {
    return { valid: false, first_invalid_seq, reason, checked_count: this.#checked };
  }

  /** Compares the end with what the ledger says of it. */
  finish(stored: V1Head): V1Report {
    const { sequence, entry_hash, merkle_root } = this.#head;
    if (stored.sequence !== sequence || stored.entry_hash !== entry_hash)
      return this.invalid(stored.sequence, "head-mismatch");
    if (stored.merkle_root !== merkle_root) return this.invalid(sequence, "merkle-mismatch");
    return { valid: true, merkle_root, entries: this.#range.size, checked_count: this.#checked };
  }
}
