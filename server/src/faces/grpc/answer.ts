import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { Code, type ConnectError, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { newId } from "#kernel/ids.ts";
import { cancelled, isRequestId } from "#pipeline";
import { refusalFor } from "../invoke.ts";
import { bodyOf } from "./body.ts";
import { errorOf } from "./error.ts";
import { ADDRESS } from "./handle.ts";
import { LEAVING_MS } from "./limits.ts";
import { unknownMethod } from "./refusals.ts";
import { respond } from "./respond.ts";
import type { Routes } from "./routes.ts";

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * One HTTP request to its procedure and back. Never throws. The library's own adapter throws out of the request
 * event when a request names no authority, which would end the process.
 */
export async function answer(
  routes: Routes,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  const { log } = routes.parts;
  const left = new AbortController();
  let answered = false;
  // HTTP/2 says of a stream that its client cancelled that it was finished: only we know whether it was.
  response.once("close", () => {
    if (!answered) left.abort(cancelled());
  });
  try {
    const header = headersOf(request);
    const path = (request.url ?? "").split("?", 1)[0]!;
    const handler = routes.byPath.get(path);
    if (handler === undefined)
      await respond(unknown(routes, header, path), response, routes.stopping);
    else {
      const found = await run(routes, handler, header, request, left.signal);
      await respond(found, response, routes.stopping);
    }
  } catch (error) {
    log.error({ err: error, path: request.url }, "a gRPC answer failed");
    if (!response.headersSent) response.statusCode = 500;
    response.end();
  }
  answered = true;
  leaveRest(request);
}

async function run(
  routes: Routes,
  handler: UniversalHandler,
  header: Headers,
  request: NodeRequest,
  signal: AbortSignal,
): Promise<UniversalServerResponse> {
  const { methodKind } = handler.method;
  const single = methodKind === "unary" || methodKind === "server_streaming";
  const answer = await handler({
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    // Only its path and query are read.
    url: `http://sealbase${request.url?.startsWith("/") === true ? request.url : "/"}`,
    header,
    contextValues: createContextValues().set(ADDRESS, routes.parts.addressOf(request)),
    body: single ? once(routes, header, request) : (request as AsyncIterable<Uint8Array>),
    signal,
  });
  return withCode(answer);
}

/** The body as the one piece that it is; one that is refused reaches the library as an error to be told. */
async function* once(
  routes: Routes,
  header: Headers,
  request: NodeRequest,
): AsyncGenerator<Uint8Array> {
  try {
    yield await bodyOf(request);
  } catch (error) {
    throw failure(routes, header, error);
  }
}

function failure(routes: Routes, header: Headers, error: unknown): ConnectError {
  const given = header.get("x-request-id") ?? "";
  const requestId = isRequestId(given) ? given : newId();
  const refusal = refusalFor(error, routes.parts.log, requestId);
  return errorOf(refusal, requestId, routes.described.refusal);
}

const GRPC = /^application\/grpc(?:[+;]|$)/;

/** What nobody answers: in gRPC a status, for others one of HTTP. */
function unknown(routes: Routes, header: Headers, path: string): UniversalServerResponse {
  const error = failure(routes, header, unknownMethod(path));
  const head = new Headers(error.metadata);
  if (GRPC.test(header.get("content-type") ?? "")) {
    head.set("content-type", "application/grpc");
    head.set("grpc-status", String(error.code));
    head.set("grpc-message", encodeURIComponent(error.rawMessage));
    return { status: 200, header: head };
  }
  head.set("content-type", "application/json");
  const text = JSON.stringify({ code: "unimplemented", message: error.rawMessage });
  return { status: 404, header: head, body: pieces(Buffer.from(text)) };
}

async function* pieces(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

/** Codes for what the library itself refuses: a message that does not parse, one that is too large once unpacked. */
const LIBRARY_CODES: Readonly<Record<string, string>> = {
  [Code.InvalidArgument]: "request/bad_message",
  [Code.ResourceExhausted]: "request/too_large",
};

function withCode(answer: UniversalServerResponse): UniversalServerResponse {
  const { trailer, body } = answer;
  if (trailer === undefined || body === undefined) return answer;
  return { ...answer, body: coded(body, trailer) };
}

async function* coded(body: AsyncIterable<Uint8Array>, trailer: Headers) {
  yield* body;
  // The library calls it an error of its own when a message cannot be parsed.
  if (trailer.get("grpc-message")?.startsWith("parse%20binary") === true)
    trailer.set("grpc-status", String(Code.InvalidArgument));
  const code = LIBRARY_CODES[trailer.get("grpc-status") ?? ""];
  if (code !== undefined && !trailer.has("sealbase-code")) trailer.set("sealbase-code", code);
}

function headersOf({ headers }: NodeRequest): Headers {
  const web = new Headers();
  for (const [name, value] of Object.entries(headers))
    if (!name.startsWith(":") && value !== undefined)
      web.set(name, Array.isArray(value) ? value.join(", ") : String(value));
  return web;
}

/** The answer is given: what the client may still send is thrown away, for as long as it takes to hear of the answer. */
function leaveRest(request: NodeRequest): void {
  if (request.readableEnded || request.destroyed) return;
  request.resume();
  if (!("stream" in request)) return; // the HTTP/1 server has a limit of its own
  const { stream } = request;
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), LEAVING_MS);
  stream.once("close", () => clearTimeout(timer));
}
