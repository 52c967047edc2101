/** Deeper nesting is refused, so that hostile input cannot exhaust the stack. */
export const JSON_DEPTH_MAX = 512;

/**
 * The one text of a JSON value: RFC 8785. Keys are sorted by UTF-16 code units, numbers are written as
 * ECMAScript writes them. What JSON cannot say exactly is refused with a TypeError that names its path:
 * NaN, Infinity, undefined, functions, unsafe bigints, lone surrogates, class instances such as Date.
 */
export function canonicalJson(value: unknown): string {
  try {
    return write(value, 0);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    const path = `$${error.path.map((key) => `[${JSON.stringify(key)}]`).join("")}`;
    throw new TypeError(`${path} has no canonical JSON: ${error.message}.`, { cause: error });
  }
}

/** A string with its quotes, as RFC 8785 section 3.2.2.2 asks. */
export function canonicalJsonString(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new NotJson("a string with a lone surrogate");
  return JSON.stringify(text);
}

// oxlint-disable-next-line no-control-regex -- they are what it looks for
const NEEDS_CARE = /["\\\u0000-\u001f\ud800-\udfff]/;

class NotJson extends TypeError {
  readonly path: (string | number)[] = [];
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return canonicalJsonString(value);
    case "number":
      if (Number.isFinite(value)) return String(value); // -0 becomes 0, as the RFC asks
      throw new NotJson(String(value));
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      if (BigInt(Number(value)) === value && Number.isSafeInteger(Number(value))) return `${value}`;
      throw new NotJson("a bigint that a JSON number cannot hold exactly");
    case "object":
      if (value === null) return "null";
      if (depth === JSON_DEPTH_MAX) throw new NotJson(`nested deeper than ${JSON_DEPTH_MAX}`);
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
    default:
      throw new NotJson(typeof value);
  }
}

function writeArray(values: readonly unknown[], depth: number): string {
  let text = "[";
  let i = 0;
  try {
    for (; i < values.length; i++) {
      if (i > 0) text += ",";
      text += write(values[i], depth);
    }
  } catch (error) {
    throw at(i, error);
  }
  return `${text}]`;
}

function writeObject(object: object, depth: number): string {
  if (!isPlain(object))
    throw new NotJson(`an instance of ${object.constructor?.name ?? "a class"}`);
  const keys = Object.keys(object);
  if (!isSorted(keys)) keys.sort();
  let text = "{";
  let key = "";
  try {
    for (let i = 0; i < keys.length; i++) {
      key = keys[i] as string;
      if (i > 0) text += ",";
      text += `${canonicalJsonString(key)}:${write((object as Record<string, unknown>)[key], depth)}`;
    }
  } catch (error) {
    throw at(key, error);
  }
  return `${text}}`;
}

function at(key: string | number, error: unknown): unknown {
  if (error instanceof NotJson) error.path.unshift(key);
  return error;
}

function isSorted(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) > (keys[i] as string)) return false;
  }
  return true;
}

/** An object literal or what JSON.parse makes, of any realm: its prototype is null or the last one. */
function isPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
