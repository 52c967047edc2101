import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A process that makes load for a while when it is told to, and says how much it got done. */
export interface Load extends AsyncDisposable {
  run(duration_ms: number, wanted?: Wanted): Promise<Done>;
}

/** For loads that know several kinds of work, and rounds with fewer callers than the load has. */
export interface Wanted {
  readonly work: string;
  readonly callers: number;
}

export interface Done {
  /** Units of work that were finished and checked. */
  readonly done: number;
  readonly elapsed_ms: number;
  /** Part of one core that the load's own process used: near 1 it measures itself. */
  readonly busy: number;
}

/** Starts `bench/load/NAME.ts` in its own process, so that it does not share the event loop of what it measures. */
export async function startLoad(name: string, options: unknown): Promise<Load> {
  const child = fork(join(import.meta.dirname, `../load/${name}.ts`), [JSON.stringify(options)], {
    execArgv: [],
  });
  await answer(child);
  return {
    async run(duration_ms, wanted) {
      child.send({ duration_ms, wanted });
      return (await answer(child)) as Done;
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

export async function answer(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exit = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`the load generator ended with ${code}`);
  });
  const message = once(child, "message", { signal: ended.signal }).then(([told]) => told);
  try {
    return await Promise.race([message, exit]);
  } finally {
    ended.abort();
    exit.catch(() => {});
  }
}

/** The other end: `callers` closed loops, each doing `work` again and again until the time is over. */
export async function serveLoad(
  callers: number,
  work: (caller: number, name: string) => Promise<void>,
): Promise<void> {
  process.on("message", async ({ duration_ms, wanted }: Told) => {
    const before = process.cpuUsage();
    const { done, elapsed_ms } = await closedLoops(
      wanted?.callers ?? callers,
      duration_ms,
      (caller) => work(caller, wanted?.work ?? ""),
    );
    const { user, system } = process.cpuUsage(before);
    process.send!({ done, elapsed_ms, busy: (user + system) / 1_000 / elapsed_ms } satisfies Done);
  });
  process.once("disconnect", () => process.exit(0));
  process.send!("ready");
}

interface Told {
  readonly duration_ms: number;
  readonly wanted?: Wanted;
}

export async function closedLoops(
  callers: number,
  duration_ms: number,
  work: (caller: number) => Promise<unknown>,
): Promise<{ done: number; elapsed_ms: number }> {
  const start = performance.now();
  let done = 0;
  const loop = async (caller: number) => {
    while (performance.now() - start < duration_ms) {
      await work(caller);
      done++;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
  return { done, elapsed_ms: performance.now() - start };
}
