import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { newId } from "#kernel/ids.ts";
import { Refusal } from "#kernel/refusal.ts";
import { problemOf } from "./rest/problem.ts";

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const byServer = new WeakMap<Server, Map<string, Upgrade>>();

/** Takes WebSocket upgrades of one path. A server that takes any must answer for every other path, too. */
export function addUpgrade(server: Server, path: string, upgrade: Upgrade): void {
  let upgrades = byServer.get(server);
  if (upgrades === undefined) {
    const paths = (upgrades = new Map<string, Upgrade>());
    byServer.set(server, paths);
    server.on("upgrade", (request, socket: Duplex, head) => {
      socket.on("error", () => socket.destroy());
      const found = paths.get(request.url?.split("?")[0] ?? "");
      if (found === undefined) refuseUpgrade(socket, noSocket([...paths.keys()]));
      else found(request, socket, head);
    });
  }
  upgrades.set(path, upgrade);
}

/** Before the upgrade a socket still speaks HTTP. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const body = JSON.stringify(problemOf(refusal, newId()));
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const noSocket = (paths: readonly string[]) =>
  new Refusal(
    "request/no_socket",
    404,
    "There is no WebSocket at this path",
    { paths },
    "Connect to one of `paths`.",
  );
