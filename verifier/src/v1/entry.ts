import { toHex, utf8 } from "../bytes.ts";
import { sha256 } from "../sha256.ts";
import { pythonJson, pythonString } from "./python-json.ts";

/** `prev_hash` of the first entry. */
export const V1_GENESIS = "0".repeat(64);

/** Of the five, SEAL is what an entry without one has; HOLD-888 is how older ledgers spell the last. */
export const V1_VERDICTS = ["SEAL", "VOID", "SABAR", "PARTIAL", "888_HOLD"] as const;
export type V1Verdict = (typeof V1_VERDICTS)[number];

/** The seven fields that format v1 hashes. */
export interface V1Fields {
  readonly authority: string;
  /** Hex of the hash of the entry before. */
  readonly prev_hash: string;
  /** JSON, as text: numbers keep their digits. */
  readonly seal_data: string;
  readonly seal_id: string;
  readonly session_id: string;
  /** As Python's `isoformat()` writes UTC: `2026-02-02T00:00:00+00:00`, with six digits of a second when there are any. */
  readonly timestamp: string;
  readonly verdict: string;
}

/** The text of an entry that is hashed. Throws what `pythonJson` throws of its `seal_data`. */
export function v1Text(fields: V1Fields): string {
  const { authority, prev_hash, seal_data, seal_id, session_id, timestamp, verdict } = fields;
  const written = {
    authority: pythonString(authority),
    prev_hash: pythonString(prev_hash),
    seal_data: pythonJson(seal_data),
    seal_id: pythonString(seal_id),
    session_id: pythonString(session_id),
    timestamp: pythonString(timestamp),
    verdict: pythonString(verdict),
  };
  // The names are in order already.
  return `{${Object.entries(written)
    .map(([name, text]) => `"${name}":${text}`)
    .join(",")}}`;
}

/** Hex of SHA-256 over the text; the text is ASCII. */
export const v1Hash = (text: string): string => toHex(sha256(utf8(text)));

/** A moment as Python writes it, from milliseconds since 1970. */
export const v1Timestamp = (time_ms: number): string =>
  new Date(time_ms)
    .toISOString()
    .replace(/\.000Z$|Z$/, (end) => (end === "Z" ? "000+00:00" : "+00:00"));
