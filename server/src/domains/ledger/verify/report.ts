/** One thing that is not as it was sealed. */
export interface Finding {
  readonly kind: string;
  /** Place of the entry, or size of the checkpoint; null when it is about the log as a whole. */
  readonly at: number | null;
  readonly message: string;
  /** What was sealed, and what is there instead, where a hash or a number says it. */
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
}

/** A state of the log: its first entries and their root. */
export interface Since {
  readonly size: number;
  /** Hex; absent: that of the checkpoint at this size. */
  readonly root?: string | undefined;
}

/** What a verification came to. */
export interface Report {
  readonly valid: boolean;
  readonly log: string;
  /** Whether the log was verified to its end, and the rows beside it. */
  readonly complete: boolean;
  /** Entries that were passed over, since they were verified before. */
  readonly since: number;
  /** Entries of the log up to where it is verified now. */
  readonly size: number;
  /** Entries that were verified now. */
  readonly entries: number;
  /** Entries below it are in archives: of them hashes and checkpoints were recomputed, no values. */
  readonly minimum: number;
  readonly checkpoints: number;
  /** Payloads that were erased; their entries and proofs hold. */
  readonly erased: number;
  /** Cosignatures of known witnesses that hold. */
  readonly cosignatures: number;
  /** Heads of this log that the root log sealed and that are as they were. */
  readonly sealed_heads: number;
  /** Hex of the recomputed root. */
  readonly root: string;
  /** The finding that comes first in the log. */
  readonly first: Finding | null;
  readonly findings: readonly Finding[];
  readonly more_findings: number;
}
