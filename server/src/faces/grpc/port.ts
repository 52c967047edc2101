import { readFileSync } from "node:fs";
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerOptions,
} from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import type { FastifyInstance } from "fastify";
import type { GrpcSettings } from "#kernel/grpc-settings.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { System } from "../system.ts";
import { greet } from "./greet.ts";
import {
  CLOSING_MS,
  CONNECTIONS_MAX,
  GREETING_MS,
  RESETS_AT_ONCE_MAX,
  RESETS_PER_S_MAX,
  SESSION_MEMORY_MB_MAX,
  STREAMS_MAX,
} from "./limits.ts";
import { watchSession } from "./session.ts";

export interface GrpcPort {
  /** `grpc://127.0.0.1:7326`, or `grpcs://…` with TLS. */
  readonly url: string;
  /** Ends streams, answers what was asked, then closes. */
  close(): Promise<void>;
}

const OPTIONS: ServerOptions = {
  maxSessionMemory: SESSION_MEMORY_MB_MAX,
  streamResetBurst: RESETS_AT_ONCE_MAX,
  streamResetRate: RESETS_PER_S_MAX,
  settings: { maxConcurrentStreams: STREAMS_MAX, enablePush: false },
};

/** gRPC over HTTP/2 on a port of its own. What protobuf needs is loaded with the first call. */
export async function openGrpcPort(
  { parts, operations, health }: System,
  settings: GrpcSettings & { readonly host: string },
): Promise<GrpcPort> {
  const stopping = new AbortController();
  const sessions = new Set<ServerHttp2Session>();
  const routes = once(async () => {
    const { routesOf } = await import("./routes.ts");
    return routesOf({ parts, operations, health, stopping: stopping.signal }, { grpc: true });
  });
  const http2 = http2Of(settings);
  http2.on("request", async (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { observed } = await import("./observe.ts");
    await observed(await routes(), request, response);
  });
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    watchSession(session);
  });
  const server = settings.tls === undefined ? greeting(http2) : (http2 as unknown as Server);
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, settings);
  return {
    url: urlOf(server, settings),
    async close() {
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, CLOSING_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

const urls = new WeakMap<FastifyInstance, string>();

/** Where gRPC answers beside this HTTP port, if it does. */
export const grpcUrlOf = (app: FastifyInstance): string | undefined => urls.get(app);

/** Opens the port beside that of the app, and closes it with the app. */
export async function addGrpcPort(
  app: FastifyInstance,
  system: System,
  settings: GrpcSettings & { readonly host: string },
): Promise<void> {
  const port = await openGrpcPort(system, settings);
  urls.set(app, port.url);
  let closed: Promise<void> | undefined;
  app.addHook("preClose", async () => {
    closed = port.close();
  });
  app.addHook("onClose", () => closed);
}

function http2Of({ tls }: GrpcSettings): Http2Server {
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
  }) as unknown as Http2Server;
}

/** Looks at the first bytes before HTTP/2 does, which would answer others with nothing that they can read. */
function greeting(http2: Http2Server): Server {
  return createTcpServer({ noDelay: true }, (socket) => {
    greet(socket, () => http2.emit("connection", socket));
  });
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? portBusy(host, port) : error);
    server.once("error", fail).listen({ host, port }, () => {
      server.off("error", fail);
      resolve();
    });
  });
}

function urlOf(server: Server, { tls }: GrpcSettings): string {
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  return `${tls === undefined ? "grpc" : "grpcs"}://${host}:${port}`;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
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

const portBusy = (host: string, port: number) =>
  new Refusal(
    "config/grpc_port_busy",
    503,
    `Something else listens on ${host}:${port}`,
    { host, port },
    "Stop it, or set SEALBASE_GRPC_PORT to another port; 0 takes any, off opens none.",
  );
