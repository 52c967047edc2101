/** Which of our telemetry an OpenTelemetry collector gets, by the variables that its specification names. */
export interface Telemetry {
  readonly traces: boolean;
  readonly metrics: boolean;
}

export function readTelemetry(env: NodeJS.ProcessEnv): Telemetry {
  const wanted = (signal: "TRACES" | "METRICS") =>
    env["OTEL_SDK_DISABLED"]?.toLowerCase() !== "true" &&
    env[`OTEL_${signal}_EXPORTER`]?.toLowerCase() !== "none" &&
    isSet(env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? env["OTEL_EXPORTER_OTLP_ENDPOINT"]);
  return { traces: wanted("TRACES"), metrics: wanted("METRICS") };
}

const isSet = (text: string | undefined): boolean => text !== undefined && text.trim() !== "";
