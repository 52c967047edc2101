import { pino } from "pino";

export type Log = pino.Logger;

/** Structured lines on standard error; standard output belongs to answers. Secrets have no field that is logged. */
export function openLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ["*.password", "*.key"],
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
