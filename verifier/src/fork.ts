import { equalBytes, fromBase64, fromUtf8, toBase64, utf8 } from "./bytes.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { HASH_SIZE, leafHash } from "./merkle.ts";
import { consistencyProof, type HashAt, rootAt } from "./merkle-proof.ts";
import { isPowerOfTwo, PROOF_LENGTH_MAX, rootsOfGrowth, verifyInclusion } from "./merkle-verify.ts";
import type { Verifier } from "./note.ts";
import { parseReceipt, RECEIPT_LENGTH_MAX } from "./receipt.ts";
import { VerifyError } from "./verify-error.ts";

/** First line of evidence that a log showed two histories. */
export const FORK_HEADER = "sealbase-fork@v1";

/** Characters; above two of the largest receipts in base64, with the lines around them. */
export const FORK_LENGTH_MAX = 4 * RECEIPT_LENGTH_MAX;

/**
 * Two texts that one log signed and that no single log can have signed.
 *
 * `checkpoints`: of one size with two roots; or an older and a newer one, and the path of the newer tree that shows which
 * root it had at the older size: another one than was signed. `receipts`: two entries at one place.
 */
export type Fork = {
  kind: "checkpoints" | "receipts";
  first: string;
  second: string;
  /** `growthPath` of the newer checkpoint's tree; empty when the sizes are equal, and for receipts. */
  path: readonly Uint8Array[];
};

/** What the evidence shows, once it is checked. */
export type ProvenFork = {
  origin: string;
  /** Where the histories are shown to differ: at a size, or at the place of an entry. */
  differs: { size: number } | { index: number };
  first: { size: number; root: string };
  second: { size: number; root: string };
};

export function formatFork({ kind, first, second, path }: Fork): string {
  const head = [FORK_HEADER, `kind ${kind}`];
  const texts = [`first ${toBase64(utf8(first))}`, `second ${toBase64(utf8(second))}`];
  return [...head, ...texts, ...path.map((hash) => `path ${toBase64(hash)}`), ""].join("\n");
}

/** Reads evidence without believing it. `formatFork` gives back the same characters. */
export function parseFork(text: string): Fork {
  if (text.length > FORK_LENGTH_MAX)
    throw malformed(`it is longer than ${FORK_LENGTH_MAX} characters`);
  const [header, kindLine, firstLine, secondLine, ...lines] = text.split("\n");
  if (header !== FORK_HEADER) throw malformed(`its first line is not ${FORK_HEADER}`);
  if (lines.pop() !== "") throw malformed("its last line does not end in a newline");
  const kind = valueOf("kind", kindLine);
  if (kind !== "checkpoints" && kind !== "receipts") throw malformed("its kind is unknown");
  const first = textOf("first", firstLine);
  const second = textOf("second", secondLine);
  if (lines.length > PROOF_LENGTH_MAX + 1) throw malformed("its path is longer than any log's");
  const path = lines.map((line) => {
    const hash = fromBase64(valueOf("path", line) ?? "");
    if (hash?.length !== HASH_SIZE) throw malformed("a line of its path is not a base64 hash");
    return hash;
  });
  return { kind, first, second, path };
}

/**
 * The nodes of a tree of `newer` entries that show its root and the root that its first `older` entries have. A consistency
 * proof leaves the latter out where its reader knows it; here it is what the reader wants to see.
 */
export async function growthPath(
  older: number,
  newer: number,
  hashAt: HashAt,
): Promise<Uint8Array[]> {
  const proof = await consistencyProof(older, newer, hashAt);
  return isPowerOfTwo(older) ? [await rootAt(older, hashAt), ...proof] : proof;
}

/** The path that a refused consistency proof amounts to; undefined when it leaves out what would be needed. */
export const pathOfProof = (
  older: number,
  proof: readonly Uint8Array[],
): readonly Uint8Array[] | undefined => (isPowerOfTwo(older) ? undefined : proof);

/** Checks the evidence; throws when it shows no fork. */
export function openFork(text: string, verifiers: readonly Verifier[]): ProvenFork {
  const fork = parseFork(text);
  return fork.kind === "receipts" ? openReceipts(fork, verifiers) : openNotes(fork, verifiers);
}

function openNotes({ first, second, path }: Fork, verifiers: readonly Verifier[]): ProvenFork {
  const one = openCheckpoint(first, verifiers).checkpoint;
  const other = openCheckpoint(second, verifiers).checkpoint;
  refuseTwoLogs(one, other);
  if (one.size > other.size) throw malformed("its first checkpoint is larger than its second");
  if (one.size === other.size) {
    if (path.length > 0) throw malformed("checkpoints of one size need no path");
    if (equalBytes(one.root, other.root)) throw unproven("both checkpoints have the same root");
  } else {
    const roots = rootsOfGrowth(one.size, other.size, path);
    if (roots === undefined || !equalBytes(roots.newer, other.root))
      throw unproven("its path does not lead to the root of the newer checkpoint");
    if (equalBytes(roots.older, one.root))
      throw unproven("the newer log begins with the older one: the log only grew");
  }
  return proven(one, other, { size: one.size });
}

function openReceipts({ first, second, path }: Fork, verifiers: readonly Verifier[]): ProvenFork {
  if (path.length > 0) throw malformed("receipts bring their own paths");
  const one = openReceipt(first, verifiers);
  const other = openReceipt(second, verifiers);
  refuseTwoLogs(one.checkpoint, other.checkpoint);
  if (one.index !== other.index) throw unproven("its receipts are about two places of the log");
  if (equalBytes(one.leaf, other.leaf)) throw unproven("its receipts are about the same entry");
  return proven(one.checkpoint, other.checkpoint, { index: one.index });
}

function openReceipt(text: string, verifiers: readonly Verifier[]) {
  const { index, proof, entry, checkpoint: note } = parseReceipt(text);
  const { checkpoint } = openCheckpoint(note, verifiers);
  const leaf = leafHash(entry);
  if (!verifyInclusion({ leaf, index, proof, ...checkpoint }))
    throw unproven("a receipt of it does not verify");
  return { index, leaf, checkpoint };
}

function refuseTwoLogs(one: Checkpoint, other: Checkpoint): void {
  if (one.origin !== other.origin)
    throw unproven(`it is about two logs, ${one.origin} and ${other.origin}`);
}

const proven = (
  one: Checkpoint,
  other: Checkpoint,
  differs: ProvenFork["differs"],
): ProvenFork => ({
  origin: one.origin,
  differs,
  first: { size: one.size, root: toBase64(one.root) },
  second: { size: other.size, root: toBase64(other.root) },
});

function textOf(name: string, line: string | undefined): string {
  const bytes = fromBase64(valueOf(name, line) ?? "");
  if (bytes === undefined || bytes.length === 0) throw malformed(`its ${name} text is not base64`);
  try {
    return fromUtf8(bytes);
  } catch {
    throw malformed(`its ${name} text is not UTF-8`);
  }
}

const valueOf = (name: string, line: string | undefined): string | undefined =>
  line?.startsWith(`${name} `) ? line.slice(name.length + 1) : undefined;

function malformed(why: string): VerifyError {
  return new VerifyError(
    "verify/fork-malformed",
    `This is no evidence of a fork: ${why}.`,
    "Save the evidence exactly as the witness served it.",
  );
}

function unproven(why: string): VerifyError {
  return new VerifyError(
    "verify/fork-unproven",
    `This does not show two histories of one log: ${why}.`,
    "Do not accuse the log with it; compare its checkpoints with a consistency proof.",
  );
}
