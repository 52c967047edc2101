import { serverSpan } from "#kernel/trace.ts";
import { answer, type NodeRequest, type NodeResponse } from "./answer.ts";
import type { Routes } from "./routes.ts";

/** Answers, counted, timed and traced as the HTTP port does it. */
export async function observed(
  routes: Routes,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  const { requests, http } = routes.parts.metrics;
  const path = request.url ?? "";
  // What nobody answers has no name of its own: there are only so many labels.
  const route = routes.byPath.has(path) ? path : "";
  const method = request.method ?? "";
  const start_ms = performance.now();
  const { span, run } = serverSpan(route.slice(1), { "rpc.system": "grpc" }, request.headers);
  await new Promise<void>((resolve) => {
    run(() => void answer(routes, request, response).finally(resolve));
  });
  span.end();
  const status = String(response.statusCode);
  requests.inc({ method, status });
  const labels = {
    http_request_method: method,
    http_route: route,
    http_response_status_code: status,
    operation: routes.operations.get(path)?.name ?? "",
  };
  http.observe(labels, (performance.now() - start_ms) / 1_000);
}
