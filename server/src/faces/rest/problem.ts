import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { newId } from "#kernel/ids.ts";
import type { Log } from "#kernel/log.ts";
import { type Facts, Refusal } from "#kernel/refusal.ts";
import { isRequestId, type Operation } from "#pipeline";
import { refusalFor } from "../invoke.ts";
import { BODY_BYTES_MAX } from "./json.ts";

/** RFC 9457, with what every refusal has: code, facts, help. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly facts: Facts;
  readonly help: string;
  readonly request_id: string;
}

export const problemOf = (refusal: Refusal, requestId: string): Problem => ({
  type: `urn:sealbase:refusal:${refusal.code}`,
  title: refusal.message,
  status: refusal.status,
  code: refusal.code,
  facts: refusal.facts,
  help: refusal.help,
  request_id: requestId,
});

/** Answers whatever goes wrong, before, in and beside operations, in one form. */
export function answerProblems(
  app: FastifyInstance,
  log: Log,
  operations: readonly Operation[],
): void {
  app.setErrorHandler((error, request, reply) => {
    const requestId = requestIdOf(request);
    return answer(reply, refusalOf(error, log, requestId), requestId);
  });
  app.setNotFoundHandler((request, reply) =>
    answer(reply, unknownRoute(request, operations), requestIdOf(request)),
  );
}

export function answer(reply: FastifyReply, refusal: Refusal, requestId: string): FastifyReply {
  if (refusal.status === 401) reply.header("WWW-Authenticate", "Bearer");
  if (refusal.status === 503) reply.header("Retry-After", "1");
  if (refusal.callId !== undefined) reply.header("Sealbase-Call", refusal.callId);
  return reply
    .code(refusal.status)
    .header("X-Request-Id", requestId)
    .type("application/problem+json")
    .send(JSON.stringify(problemOf(refusal, requestId)));
}

/** The caller's own, unless it is one that cannot be a header. */
export function requestIdOf(
  { headers }: FastifyRequest,
  given: string | string[] | undefined = headers["x-request-id"],
): string {
  return typeof given === "string" && isRequestId(given) ? given : newId();
}

/** What Fastify could not read, as a refusal; anything else goes the way of every error. */
export function refusalOf(error: unknown, log: Log, requestId?: string): Refusal {
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return tooLarge();
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return notJson();
  if (code === "FST_ERR_BAD_URL") return badPath();
  if (statusCode === 400) return unparsable();
  if (statusCode !== undefined && statusCode > 400 && statusCode < 500) return unreadable();
  return refusalFor(error, log, requestId);
}

const tooLarge = () =>
  new Refusal(
    "request/too_large",
    413,
    "The body is larger than 1 MiB",
    { bytes_max: BODY_BYTES_MAX },
    "Send fewer items a call.",
  );

const notJson = () =>
  new Refusal(
    "request/unsupported_media_type",
    415,
    "Only JSON bodies are read",
    { accepted: ["application/json"] },
    "Send `Content-Type: application/json`.",
  );

const unparsable = () =>
  new Refusal(
    "request/unparsable",
    400,
    "The body is not valid JSON",
    {},
    "Send one JSON value in UTF-8, without __proto__ keys.",
  );

const badPath = () =>
  new Refusal(
    "request/bad_path",
    400,
    "The path is not percent-encoded UTF-8",
    {},
    "Encode each part of the path as UTF-8, then with percent signs.",
  );

const unreadable = () =>
  new Refusal(
    "request/unreadable",
    400,
    "The request itself cannot be read",
    {},
    "Shorten its path and headers, and send it again.",
  );

function unknownRoute(request: FastifyRequest, operations: readonly Operation[]): Refusal {
  const path = request.url.split("?")[0]!;
  const methods = operations
    .filter(({ rest }) => pattern(rest).test(path))
    .map(({ rest }) => rest.split(" ")[0]!);
  if (methods.length > 0)
    return new Refusal(
      "request/method_not_allowed",
      405,
      `${request.method} is not what this path takes`,
      { path: path.slice(0, 200), methods },
      `Use ${methods.join(" or ")}.`,
    );
  return new Refusal(
    "request/unknown_route",
    404,
    "There is nothing at this path",
    { path: path.slice(0, 200) },
    "See /docs for every path.",
  );
}

const pattern = (rest: string): RegExp =>
  new RegExp(`^${rest.split(" ")[1]!.replace(/\{\w+\}/g, "[^/]+")}$`);
