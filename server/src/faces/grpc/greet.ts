import type { Socket } from "node:net";
import { newId } from "#kernel/ids.ts";
import { problemOf } from "../rest/problem.ts";
import { GREETING_MS } from "./limits.ts";
import { notHttp2 } from "./refusals.ts";

/** How every HTTP/2 connection begins (RFC 9113, 3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0");

/** Hands over a connection that begins as HTTP/2; another is told so in HTTP/1, a silent one ended. */
export function greet(socket: Socket, hand: () => void, wait_ms = GREETING_MS): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), wait_ms);
  const end = () => {
    clearTimeout(timer);
    socket.off("data", look).off("error", drop).off("close", end);
  };
  const drop = () => socket.destroy();
  const look = (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    if (seen.compare(PREFACE, 0, length, 0, length) !== 0) {
      end();
      refuse(socket);
    } else if (length === PREFACE.length) {
      end();
      socket.pause();
      socket.unshift(seen);
      hand();
    }
  };
  socket.on("data", look).on("error", drop).on("close", end);
}

function refuse(socket: Socket): void {
  const body = JSON.stringify(problemOf(notHttp2(), newId()));
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
