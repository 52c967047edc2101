import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Refusal } from "#kernel/refusal.ts";
import { cancelled, type Operation, type Parts, type Principal } from "#pipeline";
import { bearerOf, leavingSignal } from "../incoming.ts";
import { refusalOf, requestIdOf } from "../rest/problem.ts";
import type { Catalog } from "./catalog.ts";
import type { Handler } from "./handler.ts";
import { allowedHosts, checkHosts } from "./hosts.ts";
import { begunBy, cancelledBy, fullName, isInitialize } from "./message.ts";
import { principalOf } from "./principal.ts";
import { mcpBatch, packedBody } from "./refusals.ts";
import { UnderWay } from "./under-way.ts";

/** Names that it answers under, and sites whose pages may call. */
export interface McpSettings {
  readonly mcpHosts: readonly string[];
  readonly corsOrigins: readonly string[];
}

/** The MCP face: every operation a tool at /mcp. Its library is loaded by who uses it first. */
export function addMcp(
  app: FastifyInstance,
  parts: Parts,
  operations: readonly Operation[],
  settings: McpSettings,
): void {
  const load = async () => (await import("./sealbase.ts")).openCatalog(parts, operations);
  serveCatalog(app, parts, settings, load);
}

/** Serves a catalog by Streamable HTTP. Who may not be here is refused before the body is read. */
export function serveCatalog(
  app: FastifyInstance,
  parts: Parts,
  { mcpHosts, corsOrigins }: McpSettings,
  load: () => Promise<Catalog>,
): void {
  let handler: Promise<Handler> | undefined;
  const open = () =>
    (handler ??= Promise.all([load(), import("./handler.ts")]).then(([catalog, { openHandler }]) =>
      openHandler(catalog, parts.log),
    ));
  const allowed = allowedHosts(mcpHosts, corsOrigins);
  const underWay = new UnderWay();
  const principals = new WeakMap<FastifyRequest, Principal>();
  const stopping = new AbortController();
  app.addHook("preClose", async () => {
    stopping.abort(cancelled());
    await (await handler)?.close();
  });
  app.route({
    method: ["GET", "POST", "DELETE"],
    url: "/mcp",
    async onRequest(request, reply) {
      checkHosts(request.raw, allowed);
      const encoding = request.headers["content-encoding"];
      if (encoding !== undefined && encoding !== "identity") throw packedBody(encoding);
      const credential = bearerOf(request.headers.authorization);
      const principal = await principalOf(parts, credential, requestIdOf(request));
      principals.set(request, principal);
      reply.raw.once("close", underWay.enter(principal.tenantId));
    },
    errorHandler(error, request, reply) {
      void refuse(request, reply, refusalOf(error, parts.log, requestIdOf(request)));
    },
    async handler(request, reply) {
      const { body, headers } = request;
      if (Array.isArray(body)) throw mcpBatch();
      const principal = principals.get(request)!;
      const nameOf = (id: unknown) => fullName(principal, connectionOf(request), id);
      underWay.cancel(nameOf(cancelledBy(body)) ?? "");
      const cancelling = new AbortController();
      const name = nameOf(begunBy(body));
      if (name !== undefined) reply.raw.once("close", underWay.remember(name, cancelling));
      const signal = AbortSignal.any([
        leavingSignal(reply.raw),
        cancelling.signal,
        stopping.signal,
      ]);
      const credential = bearerOf(headers.authorization)!;
      const address = parts.addressOf(request.raw);
      const posted = { request: webRequest(request, signal), body, credential, address };
      return send(request, reply, await (await open()).answer(posted));
    },
  });
}

/** Told at `initialize` and kept by nobody: it only tells one client's requests from another's. */
const CONNECTION = "mcp-session-id";

const connectionOf = ({ headers }: FastifyRequest): string | undefined => {
  const value = headers[CONNECTION];
  return typeof value === "string" ? value : undefined;
};

/** The request as the library wants it; its body was read and checked already. */
function webRequest({ method, headers }: FastifyRequest, signal: AbortSignal): Request {
  const copied = new Headers();
  for (const [name, value] of Object.entries(headers))
    if (typeof value === "string") copied.set(name, value);
  return new Request("http://localhost/mcp", { method, headers: copied, signal });
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers, body }: Response,
): Promise<FastifyReply> {
  reply
    .code(status)
    .header("X-Request-Id", requestIdOf(request))
    .header("Cache-Control", "no-store");
  for (const name of ["content-type", "allow"]) {
    const value = headers.get(name);
    if (value !== null) reply.header(name, value);
  }
  if (status === 405) reply.header("Allow", "POST");
  if (status === 200 && isInitialize(request.body)) reply.header(CONNECTION, randomUUID());
  if (body === null) return reply.send();
  const read = Readable.fromWeb(body as WebStream);
  const streams = headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  return reply.send(streams ? Readable.from(opened(read), { objectMode: false }) : read);
}

/** A comment first: headers go out with the first bytes, and a client that gets none thinks that nobody is there. */
async function* opened(events: Readable): AsyncGenerator<Buffer> {
  yield Buffer.from(": open\n\n");
  yield* events;
}

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const REFUSED = -32_000;

/** What was refused before it was an MCP request, in JSON-RPC's form. */
function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const requestId = requestIdOf(request);
  const { code, status, facts, help, message } = refusal;
  if (status === 401) reply.header("WWW-Authenticate", "Bearer");
  if (status === 503) reply.header("Retry-After", "1");
  const data = { code, status, facts, help, request_id: requestId };
  const error = { code: ERROR_CODES[code] ?? REFUSED, message, data };
  return reply
    .code(status)
    .header("X-Request-Id", requestId)
    .type("application/json; charset=utf-8")
    .send(JSON.stringify({ jsonrpc: "2.0", id: null, error }));
}

const ERROR_CODES: Readonly<Record<string, number>> = {
  "request/unparsable": PARSE_ERROR,
  "request/too_deep": INVALID_REQUEST,
  "request/mcp_batch": INVALID_REQUEST,
};
