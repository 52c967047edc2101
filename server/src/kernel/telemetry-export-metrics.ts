import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { millisToHrTime } from "@opentelemetry/core";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { MetricObjectWithValues, MetricValueWithName, Registry } from "prom-client";
import { version } from "./package-root.ts";
import { ATTRIBUTES, CONVENTIONS, NUMBERS } from "./telemetry-export-names.ts";

/** A metric as the registry gives it: one value for each line of /metrics. */
type Found = MetricObjectWithValues<MetricValueWithName<string>>;
type Value = Found["values"][number];

interface Span {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** Reads the registry that /metrics shows, so that a collector and Prometheus are told the same. */
export function registryProducer(registry: Registry): MetricProducer {
  const startTime = millisToHrTime(performance.timeOrigin);
  return {
    async collect() {
      const found = (await registry.getMetricsAsJSON()) as unknown as Found[];
      const time = { startTime, endTime: millisToHrTime(Date.now()) };
      const metrics = found.flatMap((metric) => dataOf(metric, time));
      const scopeMetrics = [{ scope: { name: "sealbase", version }, metrics }];
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
    },
  };
}

function dataOf(found: Found, time: Span): MetricData[] {
  const values = found.values.filter(({ value }) => Number.isFinite(value));
  if (values.length === 0) return [];
  const { name, unit } = CONVENTIONS[found.name] ?? { name: found.name, unit: "" };
  const common = {
    descriptor: { name, description: found.help, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  // prom-client declares its type as a number and gives the word.
  switch (found.type as unknown as string) {
    case "counter":
      return [
        {
          ...common,
          dataPointType: DataPointType.SUM,
          isMonotonic: true,
          dataPoints: pointsOf(values, time),
        },
      ];
    case "gauge":
      return [
        { ...common, dataPointType: DataPointType.GAUGE, dataPoints: pointsOf(values, time) },
      ];
    case "histogram":
      return [
        {
          ...common,
          dataPointType: DataPointType.HISTOGRAM,
          dataPoints: histogramsOf(found.name, values, time),
        },
      ];
    default:
      return [];
  }
}

const pointsOf = (values: readonly Value[], time: Span): DataPoint<number>[] =>
  values.map(({ value, labels }) => ({ ...time, attributes: attributesOf(labels), value }));

/** Prometheus counts what is up to a bound, OpenTelemetry what is between two. */
function histogramsOf(name: string, values: readonly Value[], time: Span): DataPoint<Histogram>[] {
  const series = new Map<string, Value[]>();
  for (const value of values) {
    const { le: _, ...labels } = value.labels;
    const key = JSON.stringify(labels);
    const lines = series.get(key);
    if (lines === undefined) series.set(key, [value]);
    else lines.push(value);
  }
  return [...series.values()].map((lines) => {
    const valueOf = (suffix: string) =>
      lines.find(({ metricName }) => metricName === `${name}_${suffix}`)?.value ?? 0;
    const upTo = lines.filter(({ metricName }) => metricName === `${name}_bucket`);
    const counts = upTo.map(({ value }, i) => value - (upTo[i - 1]?.value ?? 0));
    const boundaries = upTo.slice(0, -1).map(({ labels }) => Number(labels["le"]));
    const { le: _, ...labels } = upTo[0]!.labels;
    const value = { buckets: { boundaries, counts }, sum: valueOf("sum"), count: valueOf("count") };
    return { ...time, attributes: attributesOf(labels), value };
  });
}

/** An empty label is how Prometheus writes none. */
function attributesOf(labels: Value["labels"]): Attributes {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([, value]) => value !== "")
      .map(([label, value]) => {
        const name = ATTRIBUTES[label] ?? label;
        return [name, NUMBERS.has(name) ? Number(value) : value!];
      }),
  );
}
