import { readFileSync } from "node:fs";
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerOptions,
} from "node:http2";
import type { GrpcSettings } from "#kernel/grpc-settings.ts";
import { Refusal } from "#kernel/refusal.ts";
import {
  GREETING_MS,
  RESETS_AT_ONCE_MAX,
  RESETS_PER_S_MAX,
  SESSION_MEMORY_MB_MAX,
  STREAMS_MAX,
} from "./limits.ts";
import { watchSession } from "./session.ts";
import type { Source } from "./source.ts";

export interface GrpcServer {
  readonly server: Http2Server | Http2SecureServer;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
}

const OPTIONS: ServerOptions = {
  maxSessionMemory: SESSION_MEMORY_MB_MAX,
  streamResetBurst: RESETS_AT_ONCE_MAX,
  streamResetRate: RESETS_PER_S_MAX,
  settings: { maxConcurrentStreams: STREAMS_MAX, enablePush: false },
};

/** HTTP/2 with its limits, answering every stream. */
export function grpcServer(source: Source, settings: GrpcSettings): GrpcServer {
  const sessions = new Set<ServerHttp2Session>();
  const server = http2Of(settings);
  const load = async () => {
    const [{ routesOf }, { observed }] = await Promise.all([
      import("./routes.ts"),
      import("./observe.ts"),
    ]);
    return { routes: routesOf(source, { grpc: true }), observed };
  };
  let loaded: ReturnType<typeof load> | undefined;
  const answer = async (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { routes, observed } = await (loaded ??= load());
    await observed(routes, request, response);
  };
  server.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
    answer(request, response).catch((error: unknown) => {
      source.parts.log.error({ err: error }, "gRPC could not be loaded");
      response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    watchSession(session);
  });
  return { server, sessions };
}

function http2Of({ tls }: GrpcSettings): Http2Server | Http2SecureServer {
  if (tls === undefined) return createServer(OPTIONS);
  const ca = tls.clientCa === undefined ? {} : { ca: read("SEALBASE_TLS_CLIENT_CA", tls.clientCa) };
  return createSecureServer({
    ...OPTIONS,
    ...ca,
    cert: read("SEALBASE_TLS_CERT", tls.cert),
    key: read("SEALBASE_TLS_KEY", tls.key),
    requestCert: tls.clientCa !== undefined,
    rejectUnauthorized: tls.clientCa !== undefined,
    minVersion: "TLSv1.2",
    handshakeTimeout: GREETING_MS,
  });
}

function read(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Refusal(
      "config/unreadable_file",
      500,
      `${name} names a file that cannot be read`,
      { name, file, reason: (error as NodeJS.ErrnoException).code ?? "" },
      "Name a PEM file that the server may read.",
    );
  }
}
