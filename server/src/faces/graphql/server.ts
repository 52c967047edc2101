import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Refusal } from "#kernel/refusal.ts";
import { cancelled, type Operation, type Parts } from "#pipeline";
import { callOf, leavingSignal } from "../incoming.ts";
import { refusalFor } from "../invoke.ts";
import { refusalOf, requestIdOf } from "../rest/problem.ts";
import { addUpgrade, refuseUpgrade } from "../upgrades.ts";
import type { Handler } from "./handler.ts";
import { parametersOf } from "./parameters.ts";
import { encodedBody } from "./refusals.ts";
import type { Sockets } from "./socket.ts";

const PATH = "/graphql";

/**
 * The GraphQL face: queries, mutations and subscriptions at /graphql, by HTTP, server-sent events and WebSockets. Its
 * libraries take memory and time, so they are loaded by who uses it first.
 * @param development shows GraphiQL, and the schema to everybody
 */
export function addGraphql(
  app: FastifyInstance,
  parts: Parts,
  operations: readonly Operation[],
  development: boolean,
): void {
  let handler: Promise<Handler> | undefined;
  const open = () =>
    (handler ??= import("./handler.ts").then(({ openHandler }) =>
      openHandler(parts, operations, development),
    ));
  let sockets: Promise<Sockets> | undefined;
  const openAll = () =>
    (sockets ??= Promise.all([open(), import("./socket.ts")]).then(([{ face }, { openSockets }]) =>
      openSockets(face, parts),
    ));
  const stopping = new AbortController();
  app.addHook("preClose", async () => {
    stopping.abort(cancelled());
    (await sockets)?.close();
  });
  app.route({
    method: ["GET", "POST"],
    url: PATH,
    async onRequest({ headers }) {
      const encoding = headers["content-encoding"];
      if (encoding !== undefined && encoding !== "identity") throw encodedBody(encoding);
    },
    errorHandler(error, request, reply) {
      void refuse(request, reply, refusalOf(error, parts.log, requestIdOf(request)));
    },
    async handler(request, reply) {
      if (development && wantsPage(request)) return sendPage(reply);
      const parameters = parametersOf(request);
      const { answer } = await open();
      const sealbase = {
        parts,
        headers: callOf(parts, request.raw),
        signal: AbortSignal.any([leavingSignal(reply.raw), stopping.signal]),
        drop: () => reply.raw.destroy(),
        calls: [],
        mutations: [],
      };
      const way = { method: request.method, accept: request.headers.accept ?? "*/*" };
      return send(request, reply, await answer({ sealbase, parameters, way }));
    },
  });
  addUpgrade(app.server, PATH, (request, socket, head) => {
    openAll().then(
      ({ accept }) => accept(request, socket, head),
      (error) => refuseUpgrade(socket, refusalFor(error, parts.log, undefined)),
    );
  });
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
  // A connection that was kept after a stream would keep a server from stopping.
  if (headers.get("content-type") === "text/event-stream") reply.header("Connection", "close");
  return reply.send(body === null ? undefined : Readable.fromWeb(body as WebStream));
}

/** What was refused before it was a GraphQL request, in GraphQL's form. */
function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const requestId = requestIdOf(request);
  const { code, step, status, facts, help, message } = refusal;
  const extensions = { code, step, status, facts, help, request_id: requestId };
  const modern = request.headers.accept?.includes(MODERN) ?? false;
  return reply
    .code(status)
    .header("X-Request-Id", requestId)
    .type(`${modern ? MODERN : "application/json"}; charset=utf-8`)
    .send(JSON.stringify({ errors: [{ message, extensions }] }));
}

const MODERN = "application/graphql-response+json";

const wantsPage = ({ method, headers, query }: FastifyRequest): boolean =>
  method === "GET" &&
  (query as { query?: string }).query === undefined &&
  (headers.accept?.includes("text/html") ?? false);

async function sendPage(reply: FastifyReply): Promise<FastifyReply> {
  const { graphiqlPage, POLICY } = await import("./graphiql.ts");
  return reply
    .header("Content-Security-Policy", POLICY)
    .type("text/html; charset=utf-8")
    .send(graphiqlPage());
}
