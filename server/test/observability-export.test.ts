import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { emptyResource } from "@opentelemetry/resources";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { version } from "#kernel/package-root.ts";
import { readTelemetry } from "#kernel/telemetry.ts";
import { metricExporter, traceExporter } from "#kernel/telemetry-export-otlp.ts";
import {
  attributesOf,
  type Collector,
  type Json,
  type Observed,
  openObserved,
  startCollector,
  until,
} from "./observed.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const PAYMENT = {
  type: "PAYMENT",
  amount_cents: 100,
  origin_account: "A",
  destination_account: "B",
};

let collector: Collector;
let system: Observed;
beforeAll(async () => {
  collector = await startCollector();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url);
  vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
  vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "50");
  vi.stubEnv("OTEL_METRIC_EXPORT_INTERVAL", "100");
  system = await openObserved({ telemetry: readTelemetry(process.env) });
});
afterAll(async () => {
  await system.stop();
  await collector.close();
  vi.unstubAllEnvs();
});

const resources = (path: string, list: string): Json[] =>
  collector.posted.filter((one) => one.path === path).flatMap(({ body }) => body[list]);
const spansOf = (trace: string): Json[] =>
  resources("/v1/traces", "resourceSpans")
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .filter(({ traceId }) => traceId === trace);
/** Newest first. */
const metricsOf = (name: string): Json[] =>
  resources("/v1/metrics", "resourceMetrics")
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .filter((metric) => metric.name === name)
    .reverse();

test("a request is a span under the caller's, the call one under it, and its five steps under that", async () => {
  const headers = { traceparent: `00-${TRACE}-${CALLER}-01` };
  const answer = await system.call("POST", "/v1/risk/transactions", PAYMENT, headers);
  expect(answer.status).toBe(201);
  expect([...answer.headers.keys()].filter((name) => /trace|otel/.test(name))).toEqual([]);
  const http = await until(() =>
    spansOf(TRACE).find(({ parentSpanId }) => parentSpanId === CALLER),
  );
  expect([http.name, http.kind]).toEqual(["POST /v1/risk/transactions", 2]);
  expect(attributesOf(http.attributes)).toEqual({
    "http.request.method": "POST",
    "http.route": "/v1/risk/transactions",
    "http.response.status_code": 201,
    "url.path": "/v1/risk/transactions",
    "url.scheme": "http",
  });
  const under = (id: string) => spansOf(TRACE).filter(({ parentSpanId }) => parentSpanId === id);
  const call = under(http.spanId).find(({ name }) => name === "risk.transaction.assess");
  expect(call).toBeDefined();
  expect(under(call.spanId).map(({ name }) => name)).toEqual([
    "request",
    "policy",
    "score",
    "action",
    "seal",
  ]);
});

test("the transaction of one call is a span beside its steps, without the project's data", async () => {
  const trace = TRACE.replace("4", "5");
  await system.call("GET", "/v1/decisions", undefined, { traceparent: `00-${trace}-${CALLER}-01` });
  const span = await until(() => spansOf(trace).find(({ kind }) => kind === 3));
  expect([span.name, attributesOf(span.attributes)]).toEqual([
    "postgresql reader transaction",
    { "db.system.name": "postgresql", "db.operation.name": "reader transaction" },
  ]);
});

test("requests of machines that watch are no spans", async () => {
  await system.get("/livez");
  await system.call("GET", "/nowhere", undefined, { traceparent: `00-${TRACE}-${CALLER}-01` });
  await until(() => spansOf(TRACE).find(({ name }) => name === "GET"));
  const all = resources("/v1/traces", "resourceSpans").flatMap(({ scopeSpans }) => scopeSpans);
  expect(JSON.stringify(all)).not.toContain("livez");
});

test("what is sent names the service, its version, and what the environment adds", async () => {
  const [first] = await until(() => resources("/v1/traces", "resourceSpans").slice(0, 1));
  expect(attributesOf(first.resource.attributes)).toMatchObject({
    "service.name": "sealbase",
    "service.version": version,
    "deployment.environment.name": "test",
  });
});

describe("metrics", () => {
  test("of requests and of the database have the names of the conventions", async () => {
    const point = (name: string, attributes: object) =>
      until(() =>
        metricsOf(name)
          .flatMap(({ histogram }) => histogram.dataPoints)
          .find((one: Json) => {
            const found = attributesOf(one.attributes);
            return Object.entries(attributes).every(([key, value]) => found[key] === value);
          }),
      );
    const http = await point("http.server.request.duration", {
      "http.request.method": "POST",
      "http.route": "/v1/risk/transactions",
      "http.response.status_code": 201,
      operation: "risk.transaction.assess",
    });
    expect(http.count).toBe(1);
    expect(http.bucketCounts).toHaveLength(http.explicitBounds.length + 1);
    const db = await point("db.client.operation.duration", {
      "db.system.name": "postgresql",
      "db.operation.name": "writer transaction",
    });
    expect(db.bucketCounts.reduce((sum: number, one: number) => sum + one, 0)).toBe(db.count);
  });

  test("are those of /metrics, each with its value", async () => {
    await system.call("POST", "/v1/risk/transactions", PAYMENT);
    const { text } = await system.get("/metrics");
    const line = /^sealbase_calls_total\{operation="risk.transaction.assess".*"done".*\} (\d+)$/m;
    const shown = Number(line.exec(text)![1]);
    const value = () =>
      metricsOf("sealbase_calls_total")[0]?.sum.dataPoints.find(
        (one: Json) => attributesOf(one.attributes)["operation"] === "risk.transaction.assess",
      )?.asDouble;
    await expect.poll(value, { timeout: 5_000 }).toBe(shown);
    const [latest] = metricsOf("sealbase_calls_total");
    expect([latest.sum.isMonotonic, latest.sum.aggregationTemporality]).toEqual([true, 2]);
  });
});

describe("the encoding", () => {
  const env = (name: string, value: string) => ({ [`OTEL_EXPORTER_OTLP_${name}`]: value });

  test("is protobuf unless told, as the specification wants", async () => {
    const sent = { resource: emptyResource(), scopeMetrics: [] };
    await new Promise((resolve) => metricExporter({}).export(sent, resolve));
    const types = collector.posted.map(({ path, type }) => `${path} ${type}`);
    expect(types).toContain("/v1/metrics application/x-protobuf");
    expect(types).toContain("/v1/metrics application/json");
  });

  test.each([env("PROTOCOL", "grpc"), env("TRACES_PROTOCOL", "http/yaml")])(
    "%j is refused by name",
    (settings) => {
      expect(() => traceExporter(settings)).toThrow(
        expect.objectContaining({ code: "config/bad_value" }),
      );
    },
  );
});

describe("nothing is sent", () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" };
  test.each([
    [{}, { traces: false, metrics: false }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, { traces: false, metrics: false }],
    [endpoint, { traces: true, metrics: true }],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c" }, { traces: true, metrics: false }],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://c" }, { traces: false, metrics: true }],
    [
      { ...endpoint, OTEL_METRICS_EXPORTER: "none" },
      { traces: true, metrics: false },
    ],
    [
      { ...endpoint, OTEL_SDK_DISABLED: "true" },
      { traces: false, metrics: false },
    ],
  ])("unless the environment asks for it: %j", (env, wanted) => {
    expect(readTelemetry(env)).toEqual(wanted);
  });

  test("and nothing of the exporters is loaded", () => {
    expect(packagesOf("main.ts")).toEqual(["api"]);
    expect(packagesOf("kernel/telemetry-export.ts")).toContain("sdk-metrics");
  });
});

/** OpenTelemetry's packages that a file of ours brings into the process; they are CommonJS, so Node lists them. */
function packagesOf(file: string): string[] {
  const script = `
    const { createRequire } = await import("node:module");
    await import(${JSON.stringify(join(import.meta.dirname, "../src", file))});
    const files = Object.keys(createRequire("/")("node:module")._cache);
    const names = files.flatMap((file) => /@opentelemetry\\/([^/]+)/.exec(file)?.[1] ?? []);
    console.log(JSON.stringify([...new Set(names)]));`;
  const args = ["--input-type=module", "-e", script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as string[];
}
