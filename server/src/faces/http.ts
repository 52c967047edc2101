import { type FastifyInstance, fastify } from "fastify";
import type { Operation, Parts } from "#pipeline";
import { allowOrigins } from "./cors.ts";
import { addGraphql } from "./graphql/server.ts";
import { addConnect } from "./grpc/connect.ts";
import { addMcp } from "./mcp/server.ts";
import { observeRequests } from "./observe.ts";
import { addRealtime } from "./realtime/upgrade.ts";
import type { Health } from "./rest/health.ts";
import { BODY_BYTES_MAX } from "./rest/json.ts";
import { answer, refusalOf, requestIdOf } from "./rest/problem.ts";
import { addRest } from "./rest/server.ts";
import { addTlog } from "./tlog/server.ts";

/** Who sends a request slower than this holds a socket for nothing. */
const REQUEST_MS = 60_000;
const HEADERS_MS = 10_000;
const CHECK_MS = 2_000;
/** More than the sockets of all faces together may be. */
const CONNECTIONS_MAX = 20_000;

export interface HttpSettings {
  /** Shows tools for people who write against the server. */
  readonly development: boolean;
  /** Sites whose pages may call from a browser. */
  readonly corsOrigins: readonly string[];
  /** Names that `/mcp` answers under, besides loopback. */
  readonly mcpHosts: readonly string[];
}

/** Operations check their own inputs and outputs: the compilers of JSON Schema need not be loaded (5 MB). */
const NO_COMPILERS = {
  buildValidator: (() => unused) as never,
  buildSerializer: () => unused,
};
function unused(): never {
  throw new Error("no route has a JSON Schema");
}

/** Every face that speaks HTTP, on one port. */
export function openHttp(
  parts: Parts,
  operations: readonly Operation[],
  health: Health,
  { development = false, corsOrigins = [], mcpHosts = [] }: Partial<HttpSettings> = {},
): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: CHECK_MS },
    keepAliveTimeout: 72_000,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 500 },
    logger: false,
    schemaController: { compilersFactory: NO_COMPILERS },
    frameworkErrors: (error, request, reply) =>
      void answer(reply, refusalOf(error, parts.log), requestIdOf(request)),
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  observeRequests(app, parts.metrics, operations);
  allowOrigins(app, corsOrigins);
  addRest(app, parts, operations, health);
  addTlog(app, parts, operations);
  addRealtime(app, parts, operations);
  addConnect(app, parts, operations, health);
  addGraphql(app, parts, operations, development);
  addMcp(app, parts, operations, { mcpHosts, corsOrigins });
  return app;
}
