import { pino } from "pino";
import { redacted } from "./log-redact.ts";

export type Log = pino.Logger;

/** Structured lines on standard error; standard output belongs to answers. What is named like a secret is not shown. */
export function openLog(
  level: string,
  to: pino.DestinationStream = pino.destination({ dest: 2, sync: true }),
): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { log: (line) => redacted(line) as Record<string, unknown> },
    },
    to,
  );
}
