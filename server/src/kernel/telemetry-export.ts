import { randomUUID } from "node:crypto";
import { context, DiagLogLevel, diag, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { Registry } from "prom-client";
import type { Log } from "./log.ts";
import { version } from "./package-root.ts";
import type { Telemetry } from "./telemetry.ts";
import { registryProducer } from "./telemetry-export-metrics.ts";
import { metricExporter, traceExporter } from "./telemetry-export-otlp.ts";

/** A stopping server waits no longer for a collector. */
const FLUSH_MAX_MS = 5_000;
const INTERVAL_MS = 60_000;

/** Sends what was asked for to an OpenTelemetry collector; the function that it returns sends the rest, and ends. */
export function exportTelemetry(
  wanted: Telemetry,
  registry: Registry,
  log: Log,
  env: NodeJS.ProcessEnv = process.env,
): () => Promise<void> {
  diag.setLogger(diagnostics(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const own = resourceFromAttributes({
    "service.name": "sealbase",
    "service.version": version,
    "service.instance.id": randomUUID(),
  });
  // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say more, or otherwise.
  const resource = own.merge(detectResources({ detectors: [envDetector] }));
  const open: { shutdown(): Promise<void> }[] = [];
  if (wanted.traces) {
    const spanProcessors = [new BatchSpanProcessor(traceExporter(env))];
    const traces = new BasicTracerProvider({ resource, spanProcessors });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider(traces);
    open.push(traces);
  }
  if (wanted.metrics) {
    const exportIntervalMillis = Number(env["OTEL_METRIC_EXPORT_INTERVAL"]) || INTERVAL_MS;
    const reader = new PeriodicExportingMetricReader({
      exporter: metricExporter(env),
      metricProducers: [registryProducer(registry)],
      exportIntervalMillis,
      exportTimeoutMillis: Math.min(30_000, exportIntervalMillis),
    });
    open.push(new MeterProvider({ resource, readers: [reader] }));
  }
  return () => closeAll(open, log);
}

async function closeAll(open: readonly { shutdown(): Promise<void> }[], log: Log): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FLUSH_MAX_MS);
  const closing = Promise.all(open.map((provider) => provider.shutdown()));
  await Promise.race([closing, late]).catch((error) =>
    log.warn({ err: error }, "the last telemetry could not be sent"),
  );
  clearTimeout(timer);
  for (const api of [trace, propagation, context, diag]) api.disable();
}

function diagnostics(log: Log) {
  const line =
    (level: "error" | "warn" | "debug") =>
    (message: string, ...more: unknown[]) =>
      log[level]({ telemetry: more.map(String) }, message);
  const debug = line("debug");
  return { error: line("error"), warn: line("warn"), info: debug, debug, verbose: debug };
}
