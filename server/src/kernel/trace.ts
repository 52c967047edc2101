import {
  type Attributes,
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";

const tracer = trace.getTracer("sealbase");
const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

/** Whether an OpenTelemetry SDK is there. Without one even spans that record nothing cost memory with every request. */
export function isTracing(): boolean {
  // The API's own provider stands in for one that may come, and has no tracer to hand on until it does.
  const provider: object = trace.getTracerProvider();
  if (!("getDelegateTracer" in provider)) return true;
  const { getDelegateTracer } = provider as { getDelegateTracer(name: string): unknown };
  return getDelegateTracer.call(provider, "sealbase") !== undefined;
}

/** Runs work inside a span of this name; a thrown error marks it. */
export async function span<T>(name: string, work: (span: Span) => T | Promise<T>): Promise<T> {
  if (!isTracing()) return work(NO_SPAN);
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

/** Like `span`, for what is asked of another system; it takes no children, so that spans inside stay the caller's own. */
export async function clientSpan<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  if (!isTracing()) return work();
  const leaf = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
  try {
    return await work();
  } catch (error) {
    leaf.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
    throw error;
  } finally {
    leaf.end();
  }
}

/** A request from outside: its span, under that of the caller if its headers name one (W3C Trace Context). */
export interface ServerSpan {
  readonly span: Span;
  /** Runs work under the span. */
  run(work: () => void): void;
}

export function serverSpan(name: string, attributes: Attributes, headers: object): ServerSpan {
  const outside = propagation.extract(context.active(), headers);
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, outside);
  const inside = trace.setSpan(outside, span);
  return { span, run: (work) => context.with(inside, work) };
}
