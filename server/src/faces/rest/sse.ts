import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "#kernel/refusal.ts";
import { type Incoming, type OpenStream, type Operation, openStream, type Parts } from "#pipeline";
import { leavingSignal } from "../incoming.ts";
import { refusalFor } from "../invoke.ts";
import { itemText } from "../item-text.ts";
import { answer, problemOf } from "./problem.ts";

/** A reader that takes nothing for this long, while there is something to take, has gone. */
const STALLED_MS = 60_000;
/** Items that wait for a slow reader; the stream is asked for more when it has taken some. */
const BUFFERED_MAX = 16;

/** A stream as server-sent events (HTML Living Standard, 9.2), resumed by Last-Event-ID. */
export async function answerStream(
  parts: Parts,
  operation: Operation,
  incoming: Incoming & { readonly requestId: string; readonly signal: AbortSignal },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { requestId } = incoming;
  if (!ACCEPTS.test(request.headers.accept ?? "")) return answer(reply, notAcceptable(), requestId);
  try {
    const input = resumed(operation, incoming.input, request.headers["last-event-id"]);
    const signal = AbortSignal.any([leavingSignal(reply.raw), incoming.signal]);
    const stream = await openStream(parts, operation, { ...incoming, input, signal });
    reply
      .header("X-Request-Id", requestId)
      .header("Sealbase-Call", stream.id)
      .header("Cache-Control", "no-store")
      // A connection that carried a stream carries nothing else: a server that stops need not wait for it to be idle.
      .header("Connection", "close")
      .type("text/event-stream; charset=utf-8");
    const frames = framesOf(parts, operation, stream, () => reply.raw.destroy());
    return await reply.send(Readable.from(frames, { highWaterMark: BUFFERED_MAX }));
  } catch (error) {
    return answer(reply, refusalFor(error, parts.log, requestId), requestId);
  }
}

const ACCEPTS = /(?:^|,)\s*(?:text\/event-stream|text\/\*|\*\/\*)\s*(?:;|,|$)/i;

/** The offset of the last event that was seen, put where the operation takes it. */
function resumed({ resume }: Operation, input: unknown, lastId: unknown): unknown {
  if (resume === undefined || typeof lastId !== "string" || lastId === "") return input;
  return { ...(input as object), [resume.input]: lastId };
}

async function* framesOf(
  parts: Parts,
  { resume }: Operation,
  { items, requestId }: OpenStream,
  drop: () => void,
): AsyncGenerator<string> {
  yield ": open\n\n";
  try {
    for await (const item of items) {
      const id = resume === undefined ? "" : `id: ${resume.offset(item as never)}\n`;
      const stalled = setTimeout(drop, STALLED_MS);
      try {
        yield `${id}data: ${itemText(item as object)}\n\n`;
      } finally {
        clearTimeout(stalled);
      }
    }
    yield "event: end\ndata: {}\n\n";
  } catch (error) {
    const refusal = refusalFor(error, parts.log, requestId);
    yield `event: refusal\ndata: ${JSON.stringify(problemOf(refusal, requestId))}\n\n`;
  }
}

const notAcceptable = () =>
  new Refusal(
    "request/not_acceptable",
    406,
    "This operation is a stream",
    { accepted: ["text/event-stream"] },
    "Send `Accept: text/event-stream`, or use the WebSocket at /v1/realtime.",
  );
