import { type Span, SpanStatusCode, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("sealbase");

/** Runs work inside a span of this name; a thrown error marks it. Without an OpenTelemetry SDK this costs nothing. */
export async function span<T>(name: string, work: (span: Span) => T | Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, async (active) => {
    try {
      return await work(active);
    } catch (error) {
      active.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
      throw error;
    } finally {
      active.end();
    }
  });
}
