import { concatBytes, fromUtf8, toHex, utf8 } from "./bytes.ts";
import { canonicalJson, canonicalJsonString } from "./canonical-json.ts";
import { ENTRY_SIZE_MAX } from "./entry-bundle.ts";
import { parseJson } from "./parse-json.ts";
import { sha256 } from "./sha256.ts";
import { VerifyError } from "./verify-error.ts";

/** A sealed record, format 2. Its canonical text is what is stored, hashed and proven. */
export type Entry = {
  v: 2;
  log: string;
  /** RFC 3339 in UTC with milliseconds: `2026-11-20T08:00:00.000Z`. The log's word, not evidence. */
  time: string;
  kind: string;
  actor: string;
  action: string;
  outcome: string;
  /** Ids of what the entry is about, by role. */
  refs: Readonly<Record<string, string>>;
  /** Hex of `payloadHash`; the payload itself may be erased and the entry still proves itself. */
  payload_hash: string;
};

const TEXT_FIELDS = ["log", "kind", "actor", "action", "outcome"] as const;
const FIELD_COUNT = TEXT_FIELDS.length + 4;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const HASH_HEX = /^[0-9a-f]{64}$/;

/** The canonical text (RFC 8785) of an entry. Its UTF-8 bytes are the leaf. */
export function encodeEntry(entry: Entry): string {
  checkEntry(entry);
  // The keys in canonical order; written out because every sealed call passes here.
  const text =
    `{"action":${canonicalJsonString(entry.action)},"actor":${canonicalJsonString(entry.actor)}` +
    `,"kind":${canonicalJsonString(entry.kind)},"log":${canonicalJsonString(entry.log)}` +
    `,"outcome":${canonicalJsonString(entry.outcome)},"payload_hash":"${entry.payload_hash}"` +
    `,"refs":${canonicalJson(entry.refs)},"time":"${entry.time}","v":2}`;
  checkSize(text);
  return text;
}

/** The entry of a text or its bytes. Only the canonical spelling is accepted: one entry, one text. */
export function decodeEntry(encoded: string | Uint8Array): Entry {
  if (encoded.length > ENTRY_SIZE_MAX) throw malformed(`it is larger than ${ENTRY_SIZE_MAX} bytes`);
  let text: string;
  let value: unknown;
  try {
    text = typeof encoded === "string" ? encoded : fromUtf8(encoded);
    value = parseJson(text);
  } catch {
    throw malformed("it is not JSON in UTF-8");
  }
  checkEntry(value);
  if (encodeEntry(value) !== text) throw malformed("its JSON is not in canonical form");
  return value;
}

/** Salted, so that nobody can guess an erased payload from its hash. Salt: 32 random bytes. */
export function payloadHash(salt: Uint8Array, payload: string): string {
  if (salt.length !== 32) throw new RangeError(`A salt has 32 bytes, not ${salt.length}.`);
  return toHex(sha256(concatBytes(PAYLOAD_DOMAIN, salt, utf8(payload))));
}

const PAYLOAD_DOMAIN = utf8("sealbase/payload/v2\n");

function checkEntry(value: unknown): asserts value is Entry {
  if (typeof value !== "object" || value === null) throw malformed("it is not an object");
  const entry = value as Record<string, unknown>;
  if (entry["v"] !== 2) throw malformed("its version v is not 2");
  for (const field of TEXT_FIELDS) checkText(field, entry[field]);
  const { time, refs, payload_hash } = entry;
  if (typeof time !== "string" || !TIME.test(time) || !isMoment(time)) {
    throw malformed("its time is not UTC with milliseconds, such as 2026-11-20T08:00:00.000Z");
  }
  if (typeof payload_hash !== "string" || !HASH_HEX.test(payload_hash)) {
    throw malformed("its payload_hash is not 64 lower-case hex digits");
  }
  if (typeof refs !== "object" || refs === null || Array.isArray(refs)) {
    throw malformed("its refs are not an object");
  }
  for (const [name, id] of Object.entries(refs)) {
    checkText(`refs name`, name);
    checkText(`refs.${name}`, id);
  }
  if (Object.keys(entry).length !== FIELD_COUNT) throw malformed("it has a field that is unknown");
}

function checkText(field: string, value: unknown): void {
  if (typeof value !== "string" || value === "" || !value.isWellFormed()) {
    throw malformed(`its ${field} is not a text with at least one character`);
  }
}

function isMoment(time: string): boolean {
  const date = new Date(time);
  return !Number.isNaN(date.getTime()) && date.toISOString() === time;
}

function checkSize(text: string): void {
  // A UTF-16 unit takes at most 3 bytes: most entries are known to fit without being encoded.
  if (text.length * 3 <= ENTRY_SIZE_MAX) return;
  const size = utf8(text).length;
  if (size > ENTRY_SIZE_MAX) throw malformed(`it has ${size} bytes; ${ENTRY_SIZE_MAX} is the most`);
}

function malformed(why: string): VerifyError {
  return new VerifyError(
    "verify/entry-malformed",
    `This is no entry of format 2: ${why}.`,
    "Use the entry's stored bytes; move large content into the payload.",
  );
}
