import { fromBase64, toBase64 } from "./bytes.ts";
import { parseCount } from "./decimal.ts";
import { ENTRY_SIZE_MAX } from "./entry-bundle.ts";
import { HASH_SIZE } from "./merkle.ts";
import { PROOF_LENGTH_MAX } from "./merkle-verify.ts";
import { NOTE_LENGTH_MAX } from "./note.ts";
import { VerifyError } from "./verify-error.ts";

/** First line of a receipt: c2sp.org/tlog-proof. */
export const RECEIPT_HEADER = "c2sp.org/tlog-proof@v1";

/** Characters; above the largest entry, proof and checkpoint together. */
export const RECEIPT_LENGTH_MAX = NOTE_LENGTH_MAX + 100_000;

export type Receipt = {
  /** Place of the entry in the log, from 0. */
  index: number;
  /** Sibling hashes from the leaf up. */
  proof: readonly Uint8Array[];
  /** Bytes of the entry; they ride in the `extra` line. */
  entry: Uint8Array;
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
};

export function formatReceipt({ index, proof, entry, checkpoint }: Receipt): string {
  const head = [RECEIPT_HEADER, `extra ${toBase64(entry)}`, `index ${index}`];
  return [...head, ...proof.map(toBase64), "", checkpoint].join("\n");
}

/** Reads a receipt without believing it. `formatReceipt` gives back the same characters. */
export function parseReceipt(text: string): Receipt {
  if (text.length > RECEIPT_LENGTH_MAX) {
    throw malformed(`it is longer than ${RECEIPT_LENGTH_MAX} characters`);
  }
  const headEnd = text.indexOf("\n\n");
  if (headEnd === -1) throw malformed("no empty line stands before its checkpoint");
  const lines = text.slice(0, headEnd).split("\n");
  if (lines.shift() !== RECEIPT_HEADER) throw malformed(`its first line is not ${RECEIPT_HEADER}`);
  const extra = valueOf("extra", lines.shift());
  if (extra === undefined) {
    throw malformed("its second line is not extra with the bytes of the entry");
  }
  const index = parseCount(valueOf("index", lines.shift()) ?? "");
  if (index === undefined) throw malformed("its index is not a number");
  if (lines.length > PROOF_LENGTH_MAX) {
    throw malformed(`its proof has more than ${PROOF_LENGTH_MAX} hashes`);
  }
  return {
    index,
    proof: lines.map(parseHash),
    entry: parseExtra(extra),
    checkpoint: text.slice(headEnd + 2),
  };
}

function valueOf(name: string, line: string | undefined): string | undefined {
  return line?.startsWith(`${name} `) ? line.slice(name.length + 1) : undefined;
}

function parseHash(line: string): Uint8Array {
  const hash = fromBase64(line);
  if (hash?.length !== HASH_SIZE) throw malformed("a line of its proof is not a base64 hash");
  return hash;
}

function parseExtra(base64: string): Uint8Array {
  const entry = fromBase64(base64);
  if (entry === undefined) throw malformed("its extra line is not base64");
  if (entry.length === 0 || entry.length > ENTRY_SIZE_MAX) {
    throw malformed(`its entry has ${entry.length} bytes, not 1 to ${ENTRY_SIZE_MAX}`);
  }
  return entry;
}

function malformed(why: string): VerifyError {
  return new VerifyError(
    "verify/receipt-malformed",
    `This is no receipt: ${why}.`,
    "Save the receipt exactly as it was given, with its last newline.",
  );
}
