import { concatBytes, fromBase64, toBase64, utf8 } from "./bytes.ts";
import { isKeyName, keyIdBytes, keyLabel, readKeyId } from "./verifier-key.ts";
import { VerifyError } from "./verify-error.ts";

/** c2sp.org/signed-note: text that ends in a newline, an empty line, signature lines. */
export type Note = { text: string; signatures: NoteSignature[] };

export type NoteSignature = { name: string; keyId: number; signature: Uint8Array };

export type Signer = {
  name: string;
  keyId: number;
  sign(text: Uint8Array): Uint8Array | Promise<Uint8Array>;
};

export type Verifier = {
  name: string;
  keyId: number;
  verify(text: Uint8Array, signature: Uint8Array): boolean;
};

export type OpenedNote = { text: string; verified: NoteSignature[]; unverified: NoteSignature[] };

/** Characters; a note with post-quantum signatures of a hundred witnesses fits. */
export const NOTE_LENGTH_MAX = 1_000_000;
export const NOTE_SIGNATURES_MAX = 128;

export async function signNote(text: string, signers: readonly Signer[]): Promise<string> {
  checkText(text);
  const bytes = utf8(text);
  const signatures = await Promise.all(
    signers.map(async (signer) => {
      return { name: signer.name, keyId: signer.keyId, signature: await signer.sign(bytes) };
    }),
  );
  return formatNote({ text, signatures });
}

export function formatNote({ text, signatures }: Note): string {
  checkText(text);
  const lines = signatures.map(({ name, keyId, signature }) => {
    if (!isKeyName(name)) throw malformed(`${JSON.stringify(name)} is no key name`);
    return `— ${name} ${toBase64(concatBytes(keyIdBytes(keyId), signature))}\n`;
  });
  if (lines.length === 0) throw malformed("it has no signature");
  return `${text}\n${lines.join("")}`;
}

/** Reads a note without believing it. `formatNote` gives back the same characters. */
export function parseNote(note: string): Note {
  if (note.length > NOTE_LENGTH_MAX) throw malformed(`it is longer than ${NOTE_LENGTH_MAX}`);
  const textEnd = note.lastIndexOf("\n\n") + 1;
  if (textEnd === 0 || !note.endsWith("\n")) {
    throw malformed("no empty line stands between its text and its signatures, or it is cut off");
  }
  const text = note.slice(0, textEnd);
  checkText(text);
  const lines = note.slice(textEnd + 1, -1).split("\n");
  if (lines.length > NOTE_SIGNATURES_MAX) {
    throw malformed(`it has more than ${NOTE_SIGNATURES_MAX} signatures`);
  }
  return { text, signatures: lines.map(parseSignature) };
}

/**
 * The text of a note that at least one of the verifiers signed. A signature counts when name and id
 * belong to a verifier and it verifies; those of unknown keys are ignored. A wrong or repeated signature
 * of a known key spoils the note: somebody changed it.
 */
export function openNote(note: string, verifiers: readonly Verifier[]): OpenedNote {
  const known = byLabel(verifiers);
  const { text, signatures } = parseNote(note);
  const bytes = utf8(text);
  const verified = new Map<string, NoteSignature>();
  const unverified: NoteSignature[] = [];
  for (const signature of signatures) {
    const label = keyLabel(signature);
    const verifier = known.get(label);
    if (verifier === undefined) {
      unverified.push(signature);
      continue;
    }
    if (verified.has(label)) throw malformed(`key ${label} signed it twice`);
    if (!verifier.verify(bytes, signature.signature)) {
      throw new VerifyError(
        "verify/signature-wrong",
        `The signature of key ${label} does not belong to this text.`,
        "Do not trust the file: it was changed after it was signed. Ask the log for it again.",
      );
    }
    verified.set(label, signature);
  }
  if (verified.size === 0) {
    throw new VerifyError(
      "verify/signature-missing",
      `None of the given keys signed this; it is signed by ${signatures.map(keyLabel).join(", ")}.`,
      "Give the key of the log that made the file, from a source that you trust.",
    );
  }
  return { text, verified: [...verified.values()], unverified };
}

function byLabel(verifiers: readonly Verifier[]): Map<string, Verifier> {
  const known = new Map(verifiers.map((verifier) => [keyLabel(verifier), verifier]));
  if (known.size === verifiers.length) return known;
  throw new VerifyError(
    "verify/key-ambiguous",
    "Two of the given keys have the same name and the same id.",
    "Give each key once.",
  );
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = "", base64 = "", ...more] = line.split(" ");
  if (dash !== "—" || !isKeyName(name) || more.length > 0) {
    throw malformed(`${JSON.stringify(line.slice(0, 80))} is no signature line`);
  }
  const bytes = fromBase64(base64);
  if (bytes === undefined || bytes.length <= 4) {
    throw malformed(`the signature of ${JSON.stringify(name.slice(0, 80))} is not base64`);
  }
  return { name, keyId: readKeyId(bytes), signature: bytes.slice(4) };
}

function checkText(text: string): void {
  if (!text.endsWith("\n")) throw malformed("its text does not end in a newline");
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw malformed("it holds a control character");
  if (!text.isWellFormed()) throw malformed("it holds a lone surrogate");
}

function malformed(why: string): VerifyError {
  return new VerifyError(
    "verify/note-malformed",
    `This is no signed note: ${why}.`,
    "Save the file exactly as the log served it, with its last newline.",
  );
}
