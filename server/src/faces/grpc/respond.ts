import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { CLOSING_MS, STALLED_MS } from "./limits.ts";

type NodeResponse = ServerResponse | Http2ServerResponse;

/** Writes an answer as fast as it is read: the next piece is asked for when the one before has found room. */
export async function respond(
  { status, header, body, trailer }: UniversalServerResponse,
  response: NodeResponse,
  stopping: AbortSignal,
): Promise<void> {
  const pieces = body?.[Symbol.asyncIterator]();
  try {
    // The first piece comes before the head: what it throws or sets is part of the head.
    let piece = await pieces?.next();
    if (isGone(response)) return;
    writeHead(response, status, header);
    while (piece !== undefined && piece.done !== true) {
      if (!write(response, piece.value)) await drained(response, stopping);
      if (isGone(response)) return;
      piece = await pieces!.next();
    }
    if (isGone(response)) return;
    if (trailer !== undefined) response.addTrailers(Object.fromEntries(trailer));
    response.end();
  } finally {
    await pieces?.return?.().catch(() => undefined);
  }
}

/** The two kinds of response have the same methods with types that do not meet. */
const writeHead = (response: NodeResponse, status: number, header: Headers | undefined) =>
  (response as ServerResponse).writeHead(status, Object.fromEntries(header ?? []));

const write = (response: NodeResponse, piece: Uint8Array): boolean =>
  (response as ServerResponse).write(piece);

const isGone = (response: NodeResponse): boolean =>
  "stream" in response ? response.stream.destroyed : response.destroyed;

/** Resolves when there is room again, or the reader has gone: one that takes nothing for a minute, less when we stop. */
function drained(response: NodeResponse, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      stopping.removeEventListener("abort", hurry);
      response.off("drain", end).off("close", end);
      resolve();
    };
    const drop = () => {
      if ("stream" in response) response.stream.destroy();
      else response.destroy();
      end();
    };
    const hurry = () => {
      clearTimeout(timer);
      timer = setTimeout(drop, CLOSING_MS);
    };
    let timer = setTimeout(drop, STALLED_MS);
    if (stopping.aborted) hurry();
    stopping.addEventListener("abort", hurry);
    response.on("drain", end).on("close", end);
  });
}
