import { type AddressInfo, createServer, type Server } from "node:net";
import type { FastifyInstance } from "fastify";
import type { GrpcSettings } from "#kernel/grpc-settings.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { System } from "../system.ts";
import { greet } from "./greet.ts";
import { type GrpcServer, grpcServer } from "./http2.ts";
import { CLOSING_MS, CONNECTIONS_MAX } from "./limits.ts";

export interface GrpcPort {
  /** `grpc://127.0.0.1:7326`, or `grpcs://…` with TLS. */
  readonly url: string;
  /** Ends streams, answers what was asked, then closes. */
  close(): Promise<void>;
}

/** gRPC over HTTP/2 on a port of its own. What protobuf needs is loaded with the first call. */
export async function openGrpcPort(
  { parts, operations, health }: System,
  settings: GrpcSettings & { readonly host: string },
): Promise<GrpcPort> {
  const stopping = new AbortController();
  const source = { parts, operations, health, stopping: stopping.signal };
  const { server: http2, sessions } = grpcServer(source, settings);
  const server =
    settings.tls === undefined ? greeting(http2, stopping.signal) : (http2 as unknown as Server);
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

/** What it returns opens the port beside that of the app, once the app has its own; it is closed with the app. */
export function addGrpcPort(
  app: FastifyInstance,
  system: System,
  settings: GrpcSettings & { readonly host: string },
): () => Promise<void> {
  let port: GrpcPort | undefined;
  let closed: Promise<void> | undefined;
  app.addHook("preClose", async () => {
    closed = port?.close();
  });
  app.addHook("onClose", () => closed);
  return async () => {
    port = await openGrpcPort(system, settings);
    urls.set(app, port.url);
  };
}

/** Looks at the first bytes before HTTP/2 does, which would answer others with nothing that they can read. */
function greeting(http2: GrpcServer["server"], stopping: AbortSignal): Server {
  return createServer({ noDelay: true }, (socket) => {
    const drop = () => socket.destroy();
    const listened = () => stopping.removeEventListener("abort", drop);
    stopping.addEventListener("abort", drop);
    socket.once("close", listened);
    greet(socket, () => {
      listened();
      http2.emit("connection", socket);
    });
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

const portBusy = (host: string, port: number) =>
  new Refusal(
    "config/grpc_port_busy",
    503,
    `Something else listens on ${host}:${port}`,
    { host, port },
    "Stop it, or set SEALBASE_GRPC_PORT to another port; 0 takes any, off opens none.",
  );
