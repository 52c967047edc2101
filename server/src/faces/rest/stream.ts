import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "#kernel/refusal.ts";
import { type Incoming, type OpenStream, type Operation, openStream, type Parts } from "#pipeline";
import { leavingSignal } from "../incoming.ts";
import { refusalFor } from "../invoke.ts";
import { answer } from "./problem.ts";
import { formOf, STREAM_TYPES, type StreamForm } from "./stream-forms.ts";

/** A reader that takes nothing for this long, while there is something to take, has gone. */
const STALLED_MS = 60_000;
/** Items that wait for a slow reader; the stream is asked for more when it has taken some. */
const BUFFERED_MAX = 16;

/** A stream as server-sent events or lines of JSON, resumed by Last-Event-ID or the field that the operation has for it. */
export async function answerStream(
  parts: Parts,
  operation: Operation,
  incoming: Incoming & { readonly requestId: string; readonly signal: AbortSignal },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { requestId } = incoming;
  const form = formOf(request.headers.accept ?? "");
  if (form === undefined) return answer(reply, notAcceptable(), requestId);
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
      .type(`${form.type}; charset=utf-8`);
    const frames = framesOf(parts, operation, form, stream, () => reply.raw.destroy());
    return await reply.send(Readable.from(frames, { highWaterMark: BUFFERED_MAX }));
  } catch (error) {
    return answer(reply, refusalFor(error, parts.log, requestId), requestId);
  }
}

/** The offset of the last event that was seen, put where the operation takes it. */
function resumed({ resume }: Operation, input: unknown, lastId: unknown): unknown {
  if (resume === undefined || typeof lastId !== "string" || lastId === "") return input;
  return { ...(input as object), [resume.input]: lastId };
}

async function* framesOf(
  parts: Parts,
  { resume }: Operation,
  form: StreamForm,
  { items, requestId }: OpenStream,
  drop: () => void,
): AsyncGenerator<string> {
  if (form.open !== "") yield form.open;
  try {
    for await (const item of items) {
      const stalled = setTimeout(drop, STALLED_MS);
      try {
        yield form.item(item as object, resume);
      } finally {
        clearTimeout(stalled);
      }
    }
    if (form.end !== "") yield form.end;
  } catch (error) {
    yield form.refusal(refusalFor(error, parts.log, requestId), requestId);
  }
}

const notAcceptable = () =>
  new Refusal(
    "request/not_acceptable",
    406,
    "This operation is a stream",
    { accepted: [...STREAM_TYPES] },
    "Send `Accept: text/event-stream` or `application/x-ndjson`, or use the WebSocket at /v1/realtime.",
  );
