import type { CallOptions, Route } from "./method.ts";

/** A call as it is sent, the same in every attempt. */
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

export function requestOf(
  { url, key }: { url: string; key: string },
  { method, path, kind }: Route,
  input: Fields | readonly unknown[],
  options: {
    readonly idempotencyKey: string | undefined;
    readonly requestId: string | undefined;
    readonly acknowledge: CallOptions["acknowledge"] | undefined;
  },
): Sent {
  const { filled, rest } = fillPath(path, input);
  const inQuery = method === "GET" || method === "DELETE";
  const body = inQuery || isEmpty(rest) ? undefined : JSON.stringify(rest);
  const { idempotencyKey, requestId, acknowledge } = options;
  return {
    method,
    url: `${url}${filled}${inQuery ? queryOf(rest as Fields) : ""}`,
    headers: {
      Accept: "application/json",
      Authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(requestId === undefined ? {} : { "X-Request-Id": requestId }),
      ...(idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey }),
      ...(kind === "read" || acknowledge === undefined ? {} : { Prefer: `wait=${acknowledge}` }),
    },
    body,
  };
}

/** Puts input fields into the path; what is left travels in the query or the body. */
function fillPath(path: string, input: Fields | readonly unknown[]) {
  if (isList(input)) return { filled: path, rest: input };
  const rest: Record<string, unknown> = { ...input };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    return segmentOf(name, value);
  });
  return { filled, rest };
}

const isList = (input: Fields | readonly unknown[]): input is readonly unknown[] =>
  Array.isArray(input);

/** A dot or two would be taken for a way through the path, whatever they stand for here. */
function segmentOf(name: string, value: unknown): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value !== "string" || ["", ".", ".."].includes(value))
    throw new TypeError(`${name} must be an integer or a non-empty string other than "." and ".."`);
  return encodeURIComponent(value);
}

function queryOf(fields: Fields): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined) query.append(name, `${value as string | number | boolean}`);
  return query.size === 0 ? "" : `?${query.toString()}`;
}

const isEmpty = (rest: Fields | readonly unknown[]): boolean =>
  !isList(rest) && Object.keys(rest).length === 0;
