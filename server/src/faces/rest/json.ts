import { errorCodes, type FastifyInstance } from "fastify";
import { Refusal } from "#kernel/refusal.ts";
import { parseJson } from "#verifier";

export const BODY_BYTES_MAX = 1_048_576;
export const DEPTH_MAX = 64;

/** Reads JSON bodies; what is too deep is refused before anything recursive meets it. */
export function addJsonParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>(
    "application/json",
    { parseAs: "string" },
    (_request, body, done) => {
      const depth = depthOf(body);
      if (depth > DEPTH_MAX) done(tooDeep(), undefined);
      else if (body === "") done(null, undefined);
      else answer(() => readJson(body), done);
    },
  );
}

type Done = (error: Error | null, body?: unknown) => void;

function answer(read: () => unknown, done: Done): void {
  let body: unknown;
  try {
    body = read();
  } catch {
    return done(new errorCodes.FST_ERR_CTP_INVALID_JSON_BODY(), undefined);
  }
  done(null, body);
}

/** What a caller's JSON says. Throws SyntaxError, also for keys that could reach an object's prototype. */
export function readJson(text: string): unknown {
  const value = parseJson(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
  if (PROTOTYPE_KEY.test(text)) refusePrototypes(value);
  return value;
}

const BYTE_ORDER_MARK = 0xfeff;
/** A key that names a prototype, or one with an escape that may. */
const PROTOTYPE_KEY = /__proto__|constructor|\\u00/;

function refusePrototypes(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const { constructor: made } = value;
  if (
    Object.hasOwn(value, "__proto__") ||
    (Object.hasOwn(value, "constructor") && isObject(made) && Object.hasOwn(made, "prototype"))
  )
    throw new SyntaxError("a key names a prototype");
  for (const item of Object.values(value)) refusePrototypes(item);
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Deepest nesting of brackets outside of strings. */
export function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) i = endOfString(json, i);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (i < json.length && json.charCodeAt(i) !== QUOTE)
    i += json.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i;
}

const tooDeep = () =>
  new Refusal(
    "request/too_deep",
    400,
    `The JSON is nested deeper than ${DEPTH_MAX}`,
    { depth_max: DEPTH_MAX },
    "Send a flatter body.",
  );
