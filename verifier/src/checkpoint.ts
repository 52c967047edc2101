import { equalBytes, fromBase64, toBase64 } from "./bytes.ts";
import { parseCount } from "./decimal.ts";
import { EMPTY_ROOT, HASH_SIZE } from "./merkle.ts";
import { type NoteSignature, openNote, type Signer, signNote, type Verifier } from "./note.ts";
import { VerifyError } from "./verify-error.ts";

/** c2sp.org/tlog-checkpoint: the head of a log. */
export type Checkpoint = {
  /** Unique name of the log; the log's key has the same name. */
  origin: string;
  size: number;
  root: Uint8Array;
  /** Opaque lines after the first three; better none. */
  extensions?: readonly string[];
};

export type OpenedCheckpoint = {
  checkpoint: Checkpoint;
  verified: NoteSignature[];
  unverified: NoteSignature[];
};

/** The text of the note: origin, size, base64 root, extensions, one a line. */
export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  const text = [origin, size, toBase64(root), ...extensions, ""].join("\n");
  const { extensions: read = [] } = parseCheckpoint(text);
  if (read.length !== extensions.length) throw malformed("a line of it holds a newline");
  return text;
}

export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw malformed("it does not end in a newline");
  const [origin, sizeLine = "", rootLine = "", ...extensions] = lines;
  const size = parseCount(sizeLine);
  const root = fromBase64(rootLine);
  if (!origin) throw malformed("its first line, the origin, is empty");
  if (size === undefined) throw malformed("its second line is not a size");
  if (root?.length !== HASH_SIZE) throw malformed("its third line is not a base64 hash");
  if (extensions.includes("")) throw malformed("an extension line is empty");
  if (size === 0 && !equalBytes(root, EMPTY_ROOT)) {
    throw malformed("its size is 0, but its root is not the root of an empty log");
  }
  return extensions.length === 0 ? { origin, size, root } : { origin, size, root, extensions };
}

export function signCheckpoint(
  checkpoint: Checkpoint,
  signers: readonly Signer[],
): Promise<string> {
  return signNote(formatCheckpoint(checkpoint), signers);
}

/**
 * A checkpoint that the log itself signed: one of the verifiers that signed it bears the origin as its
 * name. A witness alone, or the key of another log, is not enough.
 */
export function openCheckpoint(note: string, verifiers: readonly Verifier[]): OpenedCheckpoint {
  const { text, verified, unverified } = openNote(note, verifiers);
  const checkpoint = parseCheckpoint(text);
  if (!verified.some(({ name }) => name === checkpoint.origin)) {
    throw originUnsigned(checkpoint.origin);
  }
  return { checkpoint, verified, unverified };
}

export function originUnsigned(origin: string): VerifyError {
  return new VerifyError(
    "verify/origin-unsigned",
    `No given key of the log ${JSON.stringify(origin)} signed this checkpoint.`,
    "Give the key whose name is the origin of the log; keys of witnesses come on top of it.",
  );
}

function malformed(why: string): VerifyError {
  return new VerifyError(
    "verify/checkpoint-malformed",
    `This is no checkpoint: ${why}.`,
    "Save the checkpoint exactly as the log served it.",
  );
}
