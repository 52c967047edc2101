import type { FastifyInstance } from "fastify";
import { Refusal } from "#kernel/refusal.ts";

export const BODY_BYTES_MAX = 1_048_576;
export const DEPTH_MAX = 64;

/** Reads JSON bodies; what is too deep is refused before anything recursive meets it. */
export function addJsonParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>(
    "application/json",
    { parseAs: "string" },
    (request, body, done) => {
      const depth = depthOf(body);
      if (depth > DEPTH_MAX) done(tooDeep(), undefined);
      else if (body === "") done(null, undefined);
      else void parse(request, body, done);
    },
  );
}

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
