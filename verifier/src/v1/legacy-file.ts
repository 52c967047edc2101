import { parseJson } from "../parse-json.ts";
import { VerifyError } from "../verify-error.ts";
import { V1_VERDICTS, type V1Fields, v1Hash, v1Text } from "./entry.ts";
import { pythonFields } from "./python-json.ts";

/** An entry of an earlier ledger, from a file of its own. */
export interface V1File {
  readonly sequence: number;
  readonly fields: V1Fields;
  /** The text that its hash is over, and that hash. */
  readonly text: string;
  readonly computedHash: string;
  /** What the file says. */
  readonly entry_hash: string;
  readonly merkle_root: string;
}

const TEXTS = ["authority", "prev_hash", "seal_id", "session_id", "timestamp", "verdict"] as const;
const REQUIRED = [...TEXTS, "seal_data", "sequence", "entry_hash", "merkle_root"];
const ALLOWED = new Set([...REQUIRED, "created_at"]);

const HASH = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$/;
const VERDICTS: readonly string[] = [...V1_VERDICTS, "HOLD-888"];

/**
 * Reads a file of an earlier ledger: one JSON object with the seven hashed fields (`seal_data` an object), `sequence`, `entry_hash` and
 * `merkle_root`; `created_at` may be there, nothing else. Whether the hashes fit is for `V1Chain` to say.
 */
export function readV1File(text: string): V1File {
  const written = fieldsOf(text);
  const missing = REQUIRED.filter((name) => !written.has(name));
  const unknown = [...written.keys()].filter((name) => !ALLOWED.has(name));
  if (missing.length > 0) throw malformed(`it has no ${missing.join(", ")}`);
  if (unknown.length > 0)
    throw malformed(`it has fields that are not known: ${unknown.join(", ")}`);
  const textOf = (name: string, fits: (value: string) => boolean, what: string): string => {
    const value: unknown = parseJson(written.get(name)!);
    if (typeof value !== "string" || !value.isWellFormed() || !fits(value))
      throw malformed(`${name} is not ${what}`);
    return value;
  };
  const hash = (name: string) => textOf(name, (value) => HASH.test(value), "64 hexadecimal digits");
  const any = (name: string) =>
    textOf(name, (value) => !value.includes("\0"), "a text without NUL");
  const sequence: unknown = parseJson(written.get("sequence")!);
  if (
    !Number.isSafeInteger(sequence) ||
    (sequence as number) < 1 ||
    !/^\d+$/.test(written.get("sequence")!)
  )
    throw malformed("sequence is not an integer from 1 on");
  if (!written.get("seal_data")!.startsWith("{")) throw malformed("seal_data is not an object");
  const fields: V1Fields = {
    authority: any("authority"),
    prev_hash: hash("prev_hash"),
    seal_data: written.get("seal_data")!,
    seal_id: textOf("seal_id", (value) => UUID.test(value), "a UUID in lower case"),
    session_id: any("session_id"),
    timestamp: textOf("timestamp", isMoment, "a moment in UTC as isoformat() writes it"),
    verdict: textOf("verdict", (value) => VERDICTS.includes(value), VERDICTS.join(", ")),
  };
  const canonical = v1Text(fields);
  return {
    sequence: sequence as number,
    fields,
    text: canonical,
    computedHash: v1Hash(canonical),
    entry_hash: hash("entry_hash"),
    merkle_root: hash("merkle_root"),
  };
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  try {
    return pythonFields(text);
  } catch (error) {
    throw malformed((error as Error).message);
  }
}

/** Written as Python does, and in the calendar. */
function isMoment(text: string): boolean {
  const time_ms = Date.parse(text);
  if (!TIMESTAMP.test(text) || /^0000|\.000000/.test(text) || Number.isNaN(time_ms)) return false;
  return new Date(time_ms).toISOString().slice(0, 19) === text.slice(0, 19);
}

const malformed = (why: string) =>
  new VerifyError(
    "verify/v1-file-malformed",
    `The file is no entry of format v1: ${why}.`,
    "Give the file as the earlier ledger wrote it.",
  );
