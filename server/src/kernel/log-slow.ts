import { trace } from "@opentelemetry/api";
import type { Log } from "./log.ts";

/** A call that somebody waited for, as its line tells it. */
export interface TimedCall {
  readonly operation: string;
  readonly requestId: string;
  /** Missing when the call was refused before anything was recorded. */
  readonly callId: string | undefined;
  readonly outcome: string;
  readonly steps_ms: Readonly<Record<string, number>>;
}

/** Lines about what took longer than an operator wants to know of. */
export interface Slow {
  call(took_ms: number, call: () => TimedCall): void;
  /** The text alone: parameters are data of projects. */
  statement(took_ms: number, text: string, requestId: string | undefined): void;
}

export interface SlowLimits {
  readonly call_ms: number;
  readonly statement_ms: number;
}

const STATEMENT_MAX = 1_000;

export function openSlow(log: Log, limits: SlowLimits): Slow {
  return {
    call(took_ms, call) {
      if (took_ms <= limits.call_ms) return;
      const { operation, requestId, callId, outcome, steps_ms } = call();
      const steps = Object.entries(steps_ms).map(([step, ms]) => [step, rounded(ms)]);
      log.warn(
        {
          operation,
          request_id: requestId,
          call_id: callId,
          trace_id: trace.getActiveSpan()?.spanContext().traceId,
          outcome,
          duration_ms: rounded(took_ms),
          steps_ms: Object.fromEntries(steps),
        },
        "slow call",
      );
    },
    statement(took_ms, text, requestId) {
      if (took_ms <= limits.statement_ms) return;
      log.warn(
        { request_id: requestId, duration_ms: rounded(took_ms), statement: shortened(text) },
        "slow statement",
      );
    },
  };
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100;

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= STATEMENT_MAX ? line : `${line.slice(0, STATEMENT_MAX)}…`;
}
