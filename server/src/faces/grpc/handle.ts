import type { DescMessage, DescMethod, Message as Proto } from "@bufbuild/protobuf";
import { createContextKey, type HandlerContext } from "@connectrpc/connect";
import { newId } from "#kernel/ids.ts";
import { STEPS } from "#kernel/refusal.ts";
import {
  etagOf,
  isRequestId,
  type Operation,
  type Outcome,
  openStream,
  type Parts,
} from "#pipeline";
import { type CallHeaders, callHeaders } from "../incoming.ts";
import { invoke, refusalFor } from "../invoke.ts";
import type { Rpc } from "./api.ts";
import { inputOf, outputOf } from "./convert.ts";
import { errorOf, refusingSignal } from "./error.ts";
import { badMessage, stopping } from "./refusals.ts";

/** What a procedure needs to be answered. */
export interface Answering {
  readonly parts: Parts;
  readonly rpc: Rpc;
  readonly method: DescMethod;
  /** `sealbase.v1.Refusal`. */
  readonly detail: DescMessage;
  /** Aborts when the server stops: streams end, calls are finished. */
  readonly stopping: AbortSignal;
}

/** Where a request came from, on its way through the library. */
export const ADDRESS = createContextKey<string | undefined>(undefined);

const headersOf = ({ requestHeader, values }: HandlerContext) =>
  callHeaders(Object.fromEntries(requestHeader), values.get(ADDRESS));

/** One message in, one out: a call. */
export const unary =
  ({ parts, rpc, method, detail }: Answering) =>
  async (message: Proto, context: HandlerContext): Promise<Proto> => {
    const headers = headersOf(context);
    try {
      const input = readInput(rpc, method, message);
      const signal = refusingSignal(context.signal);
      const result = await invoke(parts, rpc.operation, { ...headers, input, signal });
      if (result.refusal !== undefined) throw result.refusal;
      tell(context.responseHeader, rpc.operation, result.outcome);
      return outputOf(rpc.output, method.output, result.outcome.output);
    } catch (error) {
      throw errorOf(refusalFor(error, parts.log, headers.requestId), shownId(headers), detail);
    }
  };

/** One message in, many out: asked for one by one, as the client takes them. */
export const serverStreaming = ({ parts, rpc, method, detail, stopping: stops }: Answering) =>
  async function* (message: Proto, context: HandlerContext): AsyncGenerator<Proto> {
    const headers = headersOf(context);
    try {
      const input = readInput(rpc, method, message);
      const signal = AbortSignal.any([refusingSignal(context.signal), stops]);
      const stream = await openStream(parts, rpc.operation, { ...headers, input, signal });
      context.responseHeader.set("x-request-id", stream.requestId);
      context.responseHeader.set("sealbase-call", stream.id);
      for await (const item of stream.items) yield outputOf(rpc.output, method.output, item);
      if (stops.aborted) throw stopping();
      signal.throwIfAborted();
    } catch (error) {
      throw errorOf(refusalFor(error, parts.log, headers.requestId), shownId(headers), detail);
    }
  };

function readInput(rpc: Rpc, method: DescMethod, message: Proto): unknown {
  try {
    return inputOf(rpc.input, method.input, message);
  } catch (error) {
    throw badMessage((error as Error).message);
  }
}

/** The same that REST tells, as metadata before the message. */
function tell(header: Headers, operation: Operation, outcome: Outcome): void {
  const { requestId, id, place, repeated, timings_ms, output } = outcome;
  header.set("x-request-id", requestId);
  header.set("sealbase-call", id);
  if (place !== null) header.set("sealbase-entry", `index=${place.index}, size=${place.size}`);
  if (repeated) header.set("idempotency-replayed", "true");
  const timings = STEPS.map((step) => `${step};dur=${timings_ms[step].toFixed(2)}`);
  header.set("server-timing", timings.join(", "));
  if (operation.kind === "read" || operation.current !== undefined)
    header.set("etag", etagOf(output));
}

/** The caller's own, unless it is one that cannot be a header. */
const shownId = ({ requestId }: CallHeaders): string =>
  isRequestId(requestId) ? requestId : newId();
