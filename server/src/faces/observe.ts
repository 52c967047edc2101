import { SpanStatusCode } from "@opentelemetry/api";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Metrics } from "#kernel/metrics.ts";
import { isTracing, type ServerSpan, serverSpan } from "#kernel/trace.ts";
import type { Operation } from "#pipeline";

/** Asked every few seconds by machines: a span each would bury the calls. */
const UNTRACED: ReadonlySet<string> = new Set(["/livez", "/readyz", "/metrics"]);
const SERVER_ERROR = 500;

/** Counts, times and traces every HTTP request, whichever face it is for; one that did not parse too. */
export function observeRequests(
  app: FastifyInstance,
  { requests, http }: Metrics,
  operations: readonly Operation[],
): void {
  const names = new Map(operations.map(({ name, rest }) => [keyOf(rest), name]));
  const spans = new WeakMap<FastifyRequest, ServerSpan>();
  const take = (request: FastifyRequest): ServerSpan | undefined => {
    const open = spans.get(request);
    spans.delete(request);
    return open;
  };
  app.addHook("onRequest", (request, _, done) => {
    if (isTracing() && !UNTRACED.has(request.url)) spans.set(request, spanOf(request));
    done();
  });
  // After the body was read: its events would have lost the span again.
  app.addHook("preHandler", (request, _, done) => {
    const open = spans.get(request);
    if (open === undefined) done();
    else open.run(done);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method } = request;
    const status = reply.statusCode;
    const route = routeOf(request);
    requests.inc({ method, status: String(status) });
    const labels = {
      http_request_method: method,
      http_route: route,
      http_response_status_code: String(status),
      operation: names.get(`${method} ${route}`) ?? "",
    };
    http.observe(labels, reply.elapsedTime / 1_000);
    end(take(request), status);
    done();
  });
  // The caller left: no answer was sent whole, so there is no status to tell.
  app.addHook("onRequestAbort", (request, done) => {
    end(take(request), undefined);
    done();
  });
}

/** `POST /v1/a/{id}` as the router names it. */
const keyOf = (rest: string): string => rest.replace(/\{(\w+)\}/g, ":$1");

/** The path as it was declared, so that there are only so many; empty when nothing is there. */
const routeOf = (request: FastifyRequest): string => request.routeOptions.url ?? "";

function spanOf(request: FastifyRequest): ServerSpan {
  const { method, headers, protocol } = request;
  const route = routeOf(request);
  const attributes = {
    "http.request.method": method,
    "url.scheme": protocol,
    "url.path": request.url.split("?")[0]!,
    ...(route === "" ? {} : { "http.route": route }),
  };
  return serverSpan(`${method} ${route}`.trim(), attributes, headers);
}

function end(open: ServerSpan | undefined, status: number | undefined): void {
  if (open === undefined) return;
  const { span } = open;
  if (status !== undefined) span.setAttribute("http.response.status_code", status);
  const error = status === undefined ? "cancelled" : status >= SERVER_ERROR ? String(status) : "";
  if (error !== "") {
    span.setAttribute("error.type", error);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
