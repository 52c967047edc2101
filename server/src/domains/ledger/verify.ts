import { secondVerifiers } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import type { Verifier } from "#verifier";
import { readHead, readMinimum, readNewestCheckpoint } from "./queries.ts";
import { sinceAhead } from "./refusals.ts";
import { ArchivedTiles } from "./verify-archive.ts";
import { Audit } from "./verify-audit.ts";
import { KeyAudit } from "./verify-keys.ts";
import { readPages } from "./verify-pages.ts";
import { readNewestWitnessedSize } from "./witness/queries.ts";

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

export interface Options {
  /**
   * What was verified before. Below it are checked: that the stored tree (tiles, and entries under no full tile) still has this
   * root; what was signed, cosigned and sealed in the root log at exactly this size; and that the log's keys were named by
   * entries under the signature of the key before. Not checked there: entries under full tiles, payloads, and rows; other checkpoints and cosignatures; the index.
   * Without a root, that of the signed checkpoint at this size is taken, which someone who has a key of the log could have exchanged:
   * who kept the root should give it.
   */
  readonly since?: Since | undefined;
  /** Stops after so many entries; `size` and `root` of the report say where to go on. */
  readonly entriesMax?: number | undefined;
  /** Witnesses whose cosignatures are checked; those of others are left. */
  readonly cosigners?: readonly Verifier[] | undefined;
  /** Number of a key whose halves do not belong together, as `Ledger.exchangedKey` tells it. */
  readonly exchangedKey?: number | null | undefined;
  readonly progress?: ((done: number, total: number) => void) | undefined;
}

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

/**
 * Recomputes the log of a project from its rows: values to payloads, payloads to entries, entries to leaves, leaves
 * to tiles and root, and the root at every signed checkpoint and every head that the root log sealed. Reads pages, so memory
 * does not grow with the log.
 */
export async function verifyLog(tx: Tx, options: Options = {}): Promise<Report> {
  const { since = { size: 0 }, entriesMax = Number.MAX_SAFE_INTEGER, progress } = options;
  const head = await readHead(tx);
  if (head === undefined) throw new Error("this project has no log");
  const newest = await readNewestCheckpoint(tx);
  const end = Math.max(head.size, newest?.size ?? 0);
  if (since.size > head.size) throw sinceAhead(since.size, head.size);
  const minimum = await readMinimum(tx);
  const begin = Math.max(since.size, minimum);
  const keyAudit = await KeyAudit.open(tx, head.origin, begin);
  const { exchangedKey = null } = options;
  const stop = Math.min(end, begin + entriesMax);
  const audit = await Audit.open(tx, head.origin, {
    keys: [...keyAudit.keys, ...(await secondVerifiers(tx, head.origin))],
    keyAudit,
    cosigners: options.cosigners ?? [],
    since,
    minimum,
    isWhole: begin === 0 && stop === end,
  });
  if (exchangedKey !== null) audit.keyExchanged(exchangedKey);
  if (since.size === 0)
    for await (const page of new ArchivedTiles(tx, minimum)) {
      await audit.archived(page);
      progress?.(page.next, end);
    }
  for await (const page of readPages(tx, begin, stop)) {
    await audit.page(page);
    progress?.(Math.min(page.next, end), end);
  }
  if (stop === end) await audit.finish(head, newest, (await readNewestWitnessedSize(tx)) ?? 0);
  else await audit.pause(stop);
  return audit.report(stop === end);
}
