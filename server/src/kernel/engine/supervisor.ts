import { setTimeout as sleep } from "node:timers/promises";
import { type Postmaster, shutDown } from "./postmaster.ts";

/** Keeps one server running until told to stop. */
export type Supervised = {
  /** Of the present server, or of the last one while the next is being started. */
  readonly pid: number;
  stop(): Promise<void>;
};

const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 10_000;
/** A server that lived this long was well: the next restart is immediate again. */
const WELL_AFTER_MS = 60_000;

export function supervise(
  first: Postmaster,
  launch: () => Promise<Postmaster>,
  log: (line: string) => void,
): Supervised {
  const stopping = new AbortController();
  let current: Postmaster | undefined = first;
  let pid = first.pid;
  const watching = watch();
  let stopped: Promise<void> | undefined;
  return {
    get pid() {
      return pid;
    },
    stop: () => (stopped ??= stop()),
  };

  async function watch(): Promise<void> {
    let backoff_ms = 0;
    while (current) {
      const since_ms = Date.now();
      const how = await current.gone;
      if (stopping.signal.aborted) return;
      if (Date.now() - since_ms > WELL_AFTER_MS) backoff_ms = 0;
      current = undefined;
      log(`PostgreSQL (pid ${pid}) is gone, ${how}: starting it again`);
      while (!current) {
        await pause(backoff_ms);
        if (stopping.signal.aborted) return;
        backoff_ms = Math.min(Math.max(backoff_ms * 2, BACKOFF_MS_MIN), BACKOFF_MS_MAX);
        current = await launch().catch((error: Error) => {
          log(`${error.message} Trying again in ${backoff_ms} ms`);
          return undefined;
        });
      }
      pid = current.pid;
      if (stopping.signal.aborted) return;
      log(`PostgreSQL runs again (pid ${pid})`);
    }
  }

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { ref: false, signal: stopping.signal }).catch(() => undefined);
  }

  async function stop(): Promise<void> {
    stopping.abort();
    // A start that is under way is let finish: half a server could not be asked to stop.
    if (!current) await watching;
    if (current) await shutDown(current);
  }
}
