import { OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from "@opentelemetry/otlp-exporter-base/node-http";
import {
  type IExporterMetricsHelper,
  type ISerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  MetricsExporterMetricsHelper,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
} from "@opentelemetry/otlp-transformer";
import type { PushMetricExporter, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import { Refusal } from "./refusal.ts";

/**
 * OTLP over HTTP. Endpoint, headers, timeout, compression and certificates are read from the OTEL_EXPORTER_OTLP_*
 * variables by the library; these few lines are what its packages `exporter-*-otlp-http` and `-proto` hold, without
 * their four copies.
 */
export function traceExporter(env: NodeJS.ProcessEnv): SpanExporter {
  const encoding = encodingOf("TRACES", env);
  const serializer = encoding === "json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  return exporterOf<ReadableSpan[]>("TRACES", encoding, serializer, TraceExporterMetricsHelper);
}

export function metricExporter(env: NodeJS.ProcessEnv): PushMetricExporter {
  const encoding = encodingOf("METRICS", env);
  const serializer = encoding === "json" ? JsonMetricsSerializer : ProtobufMetricsSerializer;
  const helper = MetricsExporterMetricsHelper;
  return exporterOf<ResourceMetrics>("METRICS", encoding, serializer, helper);
}

type Signal = "TRACES" | "METRICS";
type Encoding = "json" | "x-protobuf";

function exporterOf<Items>(
  signal: Signal,
  encoding: Encoding,
  serializer: ISerializer<Items, unknown>,
  helper: IExporterMetricsHelper<Items>,
): OTLPExporterBase<Items> {
  const headers = { "Content-Type": `application/${encoding}` };
  const path = `v1/${signal.toLowerCase()}`;
  // oxlint-disable-next-line typescript/no-deprecated -- the library's own exporters have no other way to the variables
  const options = convertLegacyHttpOptions({}, signal, path, headers);
  // What exporters count of themselves goes nowhere: no meter provider is given.
  const own = [path, helper, undefined] as const;
  return new OTLPExporterBase(createOtlpHttpExportDelegate(options, serializer, ...own));
}

function encodingOf(signal: Signal, env: NodeJS.ProcessEnv): Encoding {
  const name = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
  const value = env[name] ?? env["OTEL_EXPORTER_OTLP_PROTOCOL"] ?? "http/protobuf";
  if (value === "http/json") return "json";
  if (value === "http/protobuf") return "x-protobuf";
  throw new Refusal(
    "config/bad_value",
    500,
    `${name} is not http/protobuf or http/json`,
    { name, value },
    "Set it to http/protobuf or http/json, and the endpoint to the collector's HTTP port (4318).",
  );
}
