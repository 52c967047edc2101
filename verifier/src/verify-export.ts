import { fromBase64 } from "./bytes.ts";
import type { OpenedCheckpoint } from "./checkpoint.ts";
import { decodeEntry, payloadHash } from "./entry.ts";
import { leafHash } from "./merkle.ts";
import { verifyInclusion } from "./merkle-verify.ts";
import { parseJson } from "./parse-json.ts";
import {
  openTrusted,
  type TrustedKey,
  type VerifiedCheckpoint,
  verifiedCheckpoint,
} from "./verify-checkpoint.ts";
import { type Failure, failureInsteadOfReject, VerifyError } from "./verify-error.ts";

/** The log says: these entries stand in it, in this order. That none was left out is only known when all are there. */
export type VerifiedExport = VerifiedCheckpoint & {
  entries: number;
  /** Entries whose payload was there and is the one that was sealed; of the others it was erased. */
  payloads: number;
  /** Every entry of the log is there. */
  complete: boolean;
  /** What was asked for, as the file says. */
  filter: Readonly<Record<string, unknown>>;
};

/** Characters of a line: above the largest entry with its payload. */
const LINE_LENGTH_MAX = 32 * 2 ** 20;

/**
 * Checks an export, a JSON text a line: a checkpoint, entries with proofs under just that one, and how many they were. Offline, one
 * line in memory at a time; it never throws. What is wrong is told with its line.
 */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array>,
  vkeys: readonly TrustedKey[],
  policy?: string,
): Promise<VerifiedExport | Failure> {
  let line = 0;
  let isWithin = false;
  const answer = await failureInsteadOfReject(async () => {
    const check = new ExportCheck((note) => openTrusted(note, vkeys, policy));
    for await (const text of linesOf(chunks)) {
      line++;
      isWithin = true;
      check.line(text);
      isWithin = false;
    }
    return check.finish(line);
  });
  return answer.ok || !isWithin
    ? answer
    : { ...answer, message: `Line ${line}: ${answer.message}` };
}

type Item = { readonly [name: string]: unknown };

class ExportCheck {
  readonly #open: (note: string) => OpenedCheckpoint;
  #opened: OpenedCheckpoint | undefined;
  #filter: Item = {};
  /** The first place that the next entry may have. */
  #next = 0;
  #entries = 0;
  #payloads = 0;
  #ended = false;

  constructor(open: (note: string) => OpenedCheckpoint) {
    this.#open = open;
  }

  line(text: string): void {
    const item = objectOf(text);
    if (this.#ended) throw disordered("something stands behind its end");
    if (isThere(item["checkpoint"])) this.#checkpoint(fieldsOf(item, "checkpoint"));
    else if (isThere(item["entry"])) this.#entry(fieldsOf(item, "entry"));
    else if (isThere(item["end"])) this.#end(fieldsOf(item, "end"));
    else throw malformed("it is neither checkpoint nor entry nor end");
  }

  finish(lines: number): VerifiedExport {
    if (this.#opened === undefined || !this.#ended)
      throw new VerifyError(
        "verify/export-truncated",
        `The export breaks off after line ${lines}: its end is missing.`,
        "Go on from the offset of its last line, or export again.",
      );
    const { checkpoint } = this.#opened;
    return {
      ...verifiedCheckpoint(this.#opened),
      entries: this.#entries,
      payloads: this.#payloads,
      complete: this.#entries === checkpoint.size,
      filter: this.#filter,
    };
  }

  #checkpoint({ note, size, filter }: Item): void {
    if (this.#opened !== undefined) throw disordered("a second checkpoint begins");
    if (typeof note !== "string") throw malformed("it has no checkpoint");
    const opened = this.#open(note);
    if (size !== opened.checkpoint.size) throw malformed("its size is not that of the checkpoint");
    this.#opened = opened;
    this.#filter = typeof filter === "object" && filter !== null ? (filter as Item) : {};
  }

  #entry({ index, entry, proof, salt, payload }: Item): void {
    if (this.#opened === undefined) throw disordered("no checkpoint stands before its entries");
    if (typeof index !== "number" || typeof entry !== "string" || !Array.isArray(proof))
      throw malformed("the entry lacks its index, text or proof");
    if (index < this.#next)
      throw disordered(`entry ${index} does not come after ${this.#next - 1}`);
    const { size, root } = this.#opened.checkpoint;
    const leaf = leafHash(new TextEncoder().encode(entry));
    if (!verifyInclusion({ leaf, index, size, proof: proof.map(hashOf), root }))
      throw new VerifyError(
        "verify/inclusion-wrong",
        `The proof does not lead from this entry at index ${index} to the root of ${size} entries.`,
        "Do not trust the entry: it, its place or its proof was changed. Export again.",
      );
    const sealed = decodeEntry(entry);
    if (isOpened(salt, payload, sealed.payload_hash)) this.#payloads++;
    this.#entries++;
    this.#next = index + 1;
  }

  #end({ size, count }: Item): void {
    if (this.#opened === undefined) throw disordered("no checkpoint stands before its end");
    if (size !== this.#opened.checkpoint.size)
      throw malformed("its end belongs to another checkpoint");
    if (count !== this.#entries)
      throw new VerifyError(
        "verify/export-truncated",
        `The export had ${String(count)} entries; ${this.#entries} are here.`,
        "Export again: lines were lost or added on the way.",
      );
    this.#ended = true;
  }
}

/** Whether the payload is there; throws when it is not the one that was sealed. */
function isOpened(salt: unknown, payload: unknown, hash: string): boolean {
  if (salt === null && payload === null) return false;
  const bytes = typeof salt === "string" ? fromBase64(salt) : undefined;
  if (bytes?.length !== 32 || typeof payload !== "string" || !payload.isWellFormed())
    throw malformed("salt and payload do not belong together");
  if (payloadHash(bytes, payload) === hash) return true;
  throw new VerifyError(
    "verify/payload-wrong",
    "Salt and payload do not give the payload hash of the entry.",
    "Do not trust the payload: it was changed. Export again.",
  );
}

function hashOf(base64: unknown): Uint8Array {
  const hash = typeof base64 === "string" ? fromBase64(base64) : undefined;
  if (hash === undefined) throw malformed("a line of its proof is not base64");
  return hash;
}

function objectOf(text: string): Item {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw malformed("it is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Item;
  throw malformed("it is not an object");
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null;

function fieldsOf(item: Item, name: string): Item {
  const value = item[name];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Item;
  throw malformed(`its ${name} is not an object`);
}

/** Lines of UTF-8; the last one may lack its end. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw malformed("it is not UTF-8");
    }
  };
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const [first, ...more] = decode(chunk).split("\n");
    parts.push(first!);
    length += first!.length;
    for (const next of more) {
      yield parts.join("");
      parts = [next];
      length = next.length;
    }
    if (length > LINE_LENGTH_MAX) throw malformed("a line is longer than any entry");
  }
  const last = parts.join("") + decode();
  if (last !== "") yield last;
}

const disordered = (why: string) =>
  new VerifyError(
    "verify/export-disordered",
    `This is not in the order of an export: ${why}.`,
    "Export again, into an empty file; what was exported twice does not belong together.",
  );

const malformed = (why: string) =>
  new VerifyError(
    "verify/export-malformed",
    `This is no export: ${why}.`,
    "Keep the lines exactly as the export gave them.",
  );
