import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A process that makes load for a while when it is told to, and says how much it got done. */
export interface Load extends AsyncDisposable {
  /** Units of work that were finished and checked, and how long that took. */
  run(duration_ms: number): Promise<{ done: number; elapsed_ms: number }>;
}

/** Starts `bench/load/NAME.ts` in its own process, so that it does not share the event loop of what it measures. */
export async function startLoad(name: string, options: unknown): Promise<Load> {
  const child = fork(join(import.meta.dirname, `../load/${name}.ts`), [JSON.stringify(options)], {
    execArgv: [],
  });
  await answer(child);
  return {
    async run(duration_ms) {
      child.send(duration_ms);
      return (await answer(child)) as { done: number; elapsed_ms: number };
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

async function answer(child: ChildProcess): Promise<unknown> {
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
  work: (caller: number) => Promise<void>,
): Promise<void> {
  process.on("message", async (duration_ms: number) => {
    const start = performance.now();
    let done = 0;
    const loop = async (caller: number) => {
      while (performance.now() - start < duration_ms) {
        await work(caller);
        done++;
      }
    };
    await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
    process.send!({ done, elapsed_ms: performance.now() - start });
  });
  process.once("disconnect", () => process.exit(0));
  process.send!("ready");
}
