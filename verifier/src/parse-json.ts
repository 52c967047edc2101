import { JSON_DEPTH_MAX } from "./canonical-json.ts";

/**
 * JSON.parse, except that keys are what the text says. That of V8 takes a key with an escape for another that ends in a backslash,
 * if an earlier object of the same process had one in its place (github.com/nodejs/node/issues/63785): what one caller sent would
 * change what another seals. A text that may have such a key is read here, by RFC 8259: of equal keys the last counts, `__proto__` is
 * a key like any. Throws SyntaxError, also for what is then nested deeper than `depthMax`.
 */
export function parseJson(text: string, depthMax = JSON_DEPTH_MAX): ReturnType<typeof JSON.parse> {
  if (!mayEscapeKey(text)) return JSON.parse(text);
  const reader: Reader = { text, at: 0, depthMax };
  skipSpace(reader);
  const value = readValue(reader, 0);
  if (reader.at < text.length) throw unexpected(reader);
  return value;
}

/** A string with an escape where a key can begin, or something within a string that looks like one. */
const mayEscapeKey = (text: string): boolean => text.includes("\\") && KEY_WITH_ESCAPE.test(text);

const KEY_WITH_ESCAPE = /[{,][ \t\n\r]*"[^"\\]*\\/;

interface Reader {
  readonly text: string;
  readonly depthMax: number;
  at: number;
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
// oxlint-disable-next-line no-control-regex -- a string may not hold them
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const HEX = /[0-9a-fA-F]{4}/y;

const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };
const ESCAPES = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/** The value that begins here, and the space behind it. */
function readValue(reader: Reader, depth: number): unknown {
  const value = readBare(reader, depth);
  skipSpace(reader);
  return value;
}

function readBare(reader: Reader, depth: number): unknown {
  const first = reader.text[reader.at];
  if (first === '"') return readString(reader);
  if (first === "{" || first === "[") {
    if (depth === reader.depthMax)
      throw new SyntaxError(`JSON nested deeper than ${reader.depthMax}`);
    return first === "{" ? readObject(reader, depth + 1) : readArray(reader, depth + 1);
  }
  const number = take(reader, NUMBER);
  if (number !== undefined) return Number(number);
  const word = take(reader, WORD);
  if (word === undefined) throw unexpected(reader);
  return WORDS[word];
}

function readArray(reader: Reader, depth: number): unknown[] {
  const values: unknown[] = [];
  open(reader);
  if (takes(reader, "]")) return values;
  for (;;) {
    values.push(readValue(reader, depth));
    if (takes(reader, "]")) return values;
    expect(reader, ",");
    skipSpace(reader);
  }
}

function readObject(reader: Reader, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  open(reader);
  if (takes(reader, "}")) return object;
  for (;;) {
    const key = readString(reader);
    skipSpace(reader);
    expect(reader, ":");
    skipSpace(reader);
    put(object, key, readValue(reader, depth));
    if (takes(reader, "}")) return object;
    expect(reader, ",");
    skipSpace(reader);
  }
}

/** An assignment to `__proto__` would be no property. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") object[key] = value;
  else
    Object.defineProperty(object, key, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
}

function readString(reader: Reader): string {
  expect(reader, '"');
  let string = take(reader, PLAIN)!;
  while (takes(reader, "\\")) string += readEscape(reader) + take(reader, PLAIN)!;
  expect(reader, '"');
  return string;
}

function readEscape(reader: Reader): string {
  const letter = reader.text[reader.at] ?? "";
  if (takes(reader, "u")) {
    const hex = take(reader, HEX);
    if (hex === undefined) throw unexpected(reader);
    return String.fromCharCode(Number.parseInt(hex, 16));
  }
  const escaped = ESCAPES.get(letter);
  if (escaped === undefined) throw unexpected(reader);
  reader.at++;
  return escaped;
}

function open(reader: Reader): void {
  reader.at++;
  skipSpace(reader);
}

const skipSpace = (reader: Reader): void => void take(reader, SPACE);

function take(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  reader.at += found?.length ?? 0;
  return found;
}

function takes(reader: Reader, letter: string): boolean {
  if (reader.text[reader.at] !== letter) return false;
  reader.at++;
  return true;
}

function expect(reader: Reader, letter: string): void {
  if (!takes(reader, letter)) throw unexpected(reader);
}

const unexpected = ({ text, at }: Reader): SyntaxError =>
  new SyntaxError(
    at >= text.length
      ? "Unexpected end of JSON input"
      : `Unexpected token ${JSON.stringify(text[at])} in JSON at position ${at}`,
  );
