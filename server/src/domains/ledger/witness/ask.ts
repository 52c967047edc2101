import {
  formatAddCheckpoint,
  formatNote,
  openNote,
  parseNote,
  SIZE_TYPE,
  VerifyError,
} from "#verifier";
import type { KnownWitness } from "./policy.ts";

/** More than a witness with a hundred keys says. */
const ANSWER_BYTES_MAX = 64 * 1_024;
/** Another server of ours may ask it, too: its size can move between two questions. */
const TRIES_MAX = 4;

export interface Question {
  /** Size and note of the checkpoint that it is asked to cosign. */
  readonly size: number;
  readonly note: string;
  /** What it is thought to have cosigned last. */
  readonly from: number;
  /** Consistency proof from a smaller size. */
  readonly proofFrom: (size: number) => Promise<readonly Uint8Array[]>;
}

export type Said =
  /** The line that goes under the note. */
  | { readonly what: "cosigned"; readonly line: string }
  /** It has cosigned a larger checkpoint of the log. */
  | { readonly what: "ahead"; readonly size: number }
  /** It has cosigned what this log does not begin with; `size`: up to where. */
  | { readonly what: "disagrees"; readonly size: number }
  /** It does not sign for this log, so it has seen nothing of it. */
  | { readonly what: "unknown"; readonly why: string }
  /** Nothing was learned. */
  | { readonly what: "failed"; readonly why: string };

/** Asks one witness to cosign one checkpoint (c2sp.org/tlog-witness), from wherever it is. */
export async function ask(
  witness: KnownWitness,
  { size, note, from, proofFrom }: Question,
  signal: AbortSignal,
): Promise<Said> {
  let old = Math.min(from, size);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const proof = old === 0 || old === size ? [] : await proofFrom(old);
    const body = formatAddCheckpoint({ old, proof, checkpoint: note });
    const answer = await post(witness.url, body, signal);
    if ("why" in answer) return { what: "failed", why: answer.why };
    const { status, text, type } = answer;
    if (status === 200) return readCosignature(witness, note, text);
    if (status === 422) return { what: "disagrees", size: old };
    if (status === 403 || status === 404) return { what: "unknown", why: `it answered ${status}` };
    if (status !== 409) return { what: "failed", why: `it answered ${status}` };
    const at = type.startsWith(SIZE_TYPE) && /^(0|[1-9]\d{0,15})\n$/.test(text) ? Number(text) : -1;
    // The same size and a conflict: another root. The standard asks for no size then; the empty log has one root only.
    if (old === size && size > 0 && (at === size || at === -1)) return { what: "disagrees", size };
    if (at === -1) return { what: "failed", why: "it answered 409 without a size" };
    if (at > size) return { what: "ahead", size: at };
    old = at;
  }
  return { what: "failed", why: "its size moved with every question" };
}

/** The one line of the witness's known key, checked; whatever else it sent is left out. */
function readCosignature({ verifier }: KnownWitness, note: string, text: string): Said {
  try {
    const { verified } = openNote(`${note}${text}`, [verifier]);
    const { text: signed } = parseNote(note);
    const line = formatNote({ text: signed, signatures: verified }).slice(signed.length + 1);
    return { what: "cosigned", line };
  } catch (error) {
    if (error instanceof VerifyError) return { what: "failed", why: error.message };
    throw error;
  }
}

type Answer =
  | { readonly status: number; readonly type: string; readonly text: string }
  | { readonly why: string };

/** Redirects are not followed: they could lead anywhere. */
async function post(url: URL, body: string, signal: AbortSignal): Promise<Answer> {
  try {
    const answer = await fetch(url, { method: "POST", body, redirect: "error", signal });
    const type = answer.headers.get("content-type") ?? "";
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body ?? []) {
      length += chunk.length;
      if (length > ANSWER_BYTES_MAX) return { why: `it sent more than ${ANSWER_BYTES_MAX} bytes` };
      chunks.push(chunk);
    }
    return { status: answer.status, type, text: Buffer.concat(chunks).toString() };
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: { code?: string } };
    return { why: name === "TimeoutError" ? "it took too long" : (cause?.code ?? message) };
  }
}
