import { type Diagnostic, positionOf } from "./diagnostics.ts";
import { badPolicies, badSchema } from "./refusals.ts";

/** One policy of a text. */
export interface Statement {
  readonly text: string;
  /** Where it begins, in UTF-16 units. */
  readonly start: number;
  /** It has slots to be filled. */
  readonly template: boolean;
}

const BYTES_MAX = 256 * 1_024;
const DEPTH_MAX = 64;
/** Cedar's own comments end at either line break. */
const TOKEN =
  /"(?:[^"\\]|\\.)*"|"|\/\/[^\r\n]*|\?(?:principal|resource)\b|[\p{L}_][\p{L}\p{N}_]*|\d+|[([{}\]);]|\s+|[^]/gsu;
// Signs that end or reorder what a reader sees, and those that no text needs.
// oxlint-disable-next-line no-control-regex
const BARRED = /[\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;

/** A text of policies, cut at its semicolons, within the limits; Cedar has not seen it yet. */
export function statementsOf(text: string): Statement[] {
  const found = scan(text);
  if ("message" in found) throw badPolicies([found]);
  return found;
}

/** The same limits for the text of a schema. */
export function boundSchema(text: string): void {
  const found = scan(text);
  if ("message" in found) throw badSchema([found]);
}

function scan(text: string): Statement[] | Diagnostic {
  const bytes = Buffer.byteLength(text);
  if (bytes > BYTES_MAX)
    return wrong(text, 0, `a text may have ${BYTES_MAX} bytes, not ${bytes}`, null);
  if (!text.isWellFormed())
    return wrong(text, 0, "half of a surrogate pair", "Send valid Unicode.");
  const barred = BARRED.exec(text);
  if (barred !== null)
    return wrong(text, barred.index, `the character ${nameOf(barred[0])}`, "Take it away.");
  const statements: Statement[] = [];
  let [depth, start, template] = [0, -1, false];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (/^\s|^\/\//.test(token)) continue;
    if (start < 0) start = index;
    if (token === '"') return wrong(text, index, "a string that does not end", 'Close it with ".');
    if (/^\d/.test(token) && Number(token) > Number.MAX_SAFE_INTEGER)
      return wrong(
        text,
        index,
        `the integer ${token.slice(0, 40)} is above ${Number.MAX_SAFE_INTEGER}`,
        "Use a smaller unit count, or decimal(…) for numbers that need it.",
      );
    if (token.startsWith("?")) template = true;
    if ("([{".includes(token) && ++depth > DEPTH_MAX)
      return wrong(
        text,
        index,
        `brackets stand more than ${DEPTH_MAX} deep`,
        "Split the condition.",
      );
    if (")]}".includes(token)) depth--;
    if (token !== ";" || depth > 0) continue;
    statements.push({ text: text.slice(start, index + 1), start, template });
    [start, template] = [-1, false];
  }
  // Cedar says what is missing.
  if (start >= 0) statements.push({ text: text.slice(start), start, template });
  return statements;
}

const wrong = (text: string, at: number, message: string, help: string | null): Diagnostic => ({
  severity: "error",
  policy: null,
  message,
  help,
  ...positionOf(text, at),
});

const nameOf = (character: string): string =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
