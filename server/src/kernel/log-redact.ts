import { pino } from "pino";

/** Names whose values are secrets, in the ways in which they are written: apiKey, api_key, Set-Cookie, DATABASE_URL. */
const SECRET =
  /(authorization|cookie|password|passphrase|secret|token|credentials?|database_?url|connection_?string|(^|[_-])key|(api|private)key)$/i;
const HIDDEN = "[Redacted]";
/** Deeper than anything that is logged on purpose; it also ends what contains itself. */
const DEPTH_MAX = 8;

/** A copy of what is to be logged, in which nothing under the name of a secret is left. */
export function redacted(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return redacted({ ...pino.stdSerializers.err(value) }, depth);
  if (typeof value !== "object" || value === null || isText(value)) return value;
  if (depth === DEPTH_MAX) return "[…]";
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      SECRET.test(name) && inner !== undefined ? HIDDEN : redacted(inner, depth + 1),
    ]),
  );
}

/** Dates, URLs and the like say themselves how they are written. */
const isText = (value: object): boolean =>
  typeof (value as { toJSON?: unknown }).toJSON === "function" || ArrayBuffer.isView(value);
