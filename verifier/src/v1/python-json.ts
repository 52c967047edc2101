import { parseJson } from "../parse-json.ts";
/**
 * The text of JSON as Python's `json.dumps(value, sort_keys=True, separators=(",", ":"))` writes it: what format v1 hashes.
 * It differs from RFC 8785 in three ways: everything but printable ASCII is escaped, keys are sorted by code points
 * instead of UTF-16 units, and an integer and a float of the same value are two different texts (`1`, `1.0`).
 *
 * @param text JSON; its numbers are read as Python reads them, so none loses digits, and of equal keys the last counts.
 * @throws SyntaxError when it is no JSON, RangeError when Python could not write it as JSON or it is nested too deeply.
 */
export function pythonJson(text: string): string {
  parseJson(text);
  return write(parseJson(marked(text)) as Marked, 0);
}

/** The fields of a JSON object, each value as `pythonJson` writes it. Throws what that throws, SyntaxError for anything but an object. */
export function pythonFields(text: string): ReadonlyMap<string, string> {
  parseJson(text);
  const value = parseJson(marked(text)) as Marked;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SyntaxError("it is not a JSON object");
  return new Map(Object.entries(value).map(([key, item]) => [key.slice(1), write(item, 1)]));
}

/** A string as `json.dumps` writes it; half of a surrogate pair has an escape, too. */
export const pythonString = (text: string): string =>
  `"${text.replace(NOT_PLAIN, (unit) => SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;

/** `repr` of a float: the shortest digits that give the same double, with a point or an exponent. */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no JSON number`);
  const [, sign, digits, exponent] = PARTS.exec(value.toExponential())!;
  const minus = Object.is(value, -0) ? "-" : sign!;
  const all = digits!.replace(".", "");
  const at = Number(exponent);
  if (at < -4 || at >= 16)
    return `${minus}${digits}e${at < 0 ? "-" : "+"}${String(Math.abs(at)).padStart(2, "0")}`;
  if (at < 0) return `${minus}0.${"0".repeat(-at - 1)}${all}`;
  return `${minus}${all.slice(0, at + 1).padEnd(at + 1, "0")}.${all.slice(at + 1) || "0"}`;
}

/** Deeper nesting is refused; Python's own limit is a little below 1,000. */
export const PYTHON_DEPTH_MAX = 512;
/** Python refuses to read longer integers (`sys.set_int_max_str_digits`). */
const INTEGER_DIGITS_MAX = 4_300;

const PARTS = /^(-?)([\d.]+)e([+-]\d+)$/;
const NOT_PLAIN = /[^ !#-[\]-~]/g;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** JSON in which every string begins with `s`, and every number is a string that begins with `n`. */
type Marked = string | boolean | null | readonly Marked[] | { readonly [key: string]: Marked };

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/** Marks strings and numbers, so that `JSON.parse` keeps the numbers' digits and no key has a meaning of its own. */
const marked = (text: string): string =>
  text.replace(TOKENS, (token) => (token[0] === '"' ? `"s${token.slice(1)}` : `"n${token}"`));

function write(value: Marked, depth: number): string {
  if (typeof value === "string")
    return value[0] === "s" ? pythonString(value.slice(1)) : writeNumber(value.slice(1));
  if (value === null || typeof value === "boolean") return String(value);
  if (depth === PYTHON_DEPTH_MAX) throw new RangeError(`nested deeper than ${PYTHON_DEPTH_MAX}`);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
  const fields = Object.entries(value).map(([key, item]) => [key.slice(1), item] as const);
  return `{${fields
    .sort(([a], [b]) => byCodePoints(a, b))
    .map(([key, item]) => `${pythonString(key)}:${write(item, depth + 1)}`)
    .join(",")}}`;
}

function writeNumber(token: string): string {
  if (/[.eE]/.test(token)) return pythonFloat(Number(token));
  if (token.length > INTEGER_DIGITS_MAX)
    throw new RangeError(`an integer of ${token.length} digits`);
  return token === "-0" ? "0" : token;
}

/** By code points: units would put what is above U+FFFF before U+E000. */
function byCodePoints(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length; ) {
    const [left, right] = [a.codePointAt(at)!, b.codePointAt(at)!];
    if (left !== right) return left - right;
    at += left > 0xffff ? 2 : 1;
  }
  return a.length - b.length;
}
