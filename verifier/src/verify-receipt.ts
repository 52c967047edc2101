import { decodeEntry, type Entry } from "./entry.ts";
import { leafHash } from "./merkle.ts";
import { verifyInclusion } from "./merkle-verify.ts";
import { parseReceipt } from "./receipt.ts";
import {
  openTrusted,
  type TrustedKey,
  type VerifiedCheckpoint,
  verifiedCheckpoint,
} from "./verify-checkpoint.ts";
import { type Failure, failureInsteadOfThrow, VerifyError } from "./verify-error.ts";

/** The log says: `entry` stands at `index` among the first `size` entries. */
export type VerifiedReceipt = VerifiedCheckpoint & { index: number; entry: Entry };

/**
 * Checks a receipt against the keys that its reader trusts; the log's own must be among them. Offline,
 * bounded, and it never throws: every input has an answer. With a policy its quorum is asked for, too.
 */
export function verifyReceipt(
  text: string,
  vkeys: readonly TrustedKey[],
  policy?: string,
): VerifiedReceipt | Failure {
  return failureInsteadOfThrow(() => {
    const { index, proof, entry, checkpoint: note } = parseReceipt(text);
    const opened = openTrusted(note, vkeys, policy);
    const { size, root } = opened.checkpoint;
    if (!verifyInclusion({ leaf: leafHash(entry), index, size, proof, root })) {
      throw new VerifyError(
        "verify/inclusion-wrong",
        `The proof does not lead from this entry at index ${index} to the root of ${size} entries.`,
        "Do not trust the entry: it, its place or its proof was changed. Ask for the receipt again.",
      );
    }
    return { ...verifiedCheckpoint(opened), index, entry: decodeEntry(entry) };
  });
}
