import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { WebSocketServer } from "ws";
import type { Operation, Parts } from "#pipeline";
import { bearerOf } from "../incoming.ts";
import { addUpgrade, refuseUpgrade } from "../upgrades.ts";
import { tooManySockets } from "./refusals.ts";

const PATH = "/v1/realtime";
const SOCKETS_MAX = 12_000;
/** A client speaks in small frames. */
const FRAME_BYTES_MAX = 65_536;

/** Takes the WebSocket upgrades of `/v1/realtime`; the same path without an upgrade is the stream over SSE. */
export function addRealtime(
  app: FastifyInstance,
  parts: Parts,
  operations: readonly Operation[],
): void {
  const streams = new Map(
    operations
      .filter(({ kind }) => kind === "stream")
      .map((operation) => [operation.name, operation]),
  );
  let server: Promise<WebSocketServer> | undefined;
  const opened = () => (server ??= open());
  addUpgrade(app.server, PATH, (request, socket, head) => void accept(request, socket, head));
  app.addHook("preClose", async () => {
    if (server === undefined) return;
    for (const client of (await server).clients) client.close(1_001, "the server stops");
  });

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const [sockets, { RealtimeSocket }] = await Promise.all([opened(), import("./socket.ts")]);
    if (sockets.clients.size >= SOCKETS_MAX)
      return refuseUpgrade(socket, tooManySockets(SOCKETS_MAX));
    sockets.handleUpgrade(request, socket, head, (client) => {
      // The key is a header or the first frame, never part of a URL, which others log.
      void new RealtimeSocket(
        client,
        socket,
        parts,
        streams,
        bearerOf(request.headers.authorization),
        parts.addressOf(request),
      );
    });
  }
}

async function open(): Promise<WebSocketServer> {
  const { WebSocketServer } = await import("ws");
  return new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_BYTES_MAX,
    // A frame that unpacks to more than it seems costs memory that nobody counted.
    perMessageDeflate: false,
  });
}
