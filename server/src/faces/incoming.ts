import type { IncomingHttpHeaders } from "node:http";
import { newId } from "#kernel/ids.ts";
import { cancelled, type Incoming, type Parts } from "#pipeline";
import type { Requested } from "./address.ts";

/** What an HTTP request says of a call: its headers, and where it came from. */
export const callOf = (parts: Pick<Parts, "addressOf">, request: Requested): CallHeaders =>
  callHeaders(request.headers, parts.addressOf(request));

/** What HTTP headers say of a call, on every face that has them: REST, GraphQL, MCP, Connect, gRPC metadata. */
export type CallHeaders = Omit<Incoming, "input" | "signal"> & { readonly requestId: string };

export function callHeaders(
  headers: IncomingHttpHeaders,
  address: string | undefined,
): CallHeaders {
  return {
    address,
    credential: bearerOf(headers.authorization),
    requestId: textOf(headers["x-request-id"]) ?? newId(),
    idempotencyKey: textOf(headers["idempotency-key"]),
    ifMatch: textOf(headers["if-match"]),
    acknowledge: WAIT_DURABLE.test(textOf(headers["prefer"]) ?? "") ? "durable" : "published",
  };
}

export const bearerOf = (header: string | undefined): string | undefined =>
  /^Bearer +(\S+)$/i.exec(header ?? "")?.[1];

/** A preference (RFC 7240) among others; one that is not known is left alone, as the RFC asks. */
const WAIT_DURABLE = /(?:^|,)\s*wait="?durable"?\s*(?:;|,|$)/i;

const textOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(", ") : value;

interface Answering {
  once(event: "close", listener: () => void): unknown;
  readonly writableFinished: boolean;
}

/** Aborts when the caller leaves before its answer is written. */
export function leavingSignal(response: Answering): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort(cancelled());
  });
  return controller.signal;
}
