/** A thread that holds Cedar's WebAssembly: one message in, one out. A trap is told, and ends it. */
import { parentPort } from "node:worker_threads";
import { CALLS } from "./calls.ts";

/* oxlint-disable unicorn/require-post-message-target-origin -- a thread, no window */
/** An instance that has trapped fails every later call, so none comes. */
parentPort!.on("message", ({ name, args }: { name: keyof typeof CALLS; args: unknown[] }) => {
  try {
    const answer = (CALLS[name] as (...args: unknown[]) => unknown)(...args);
    parentPort!.postMessage({ answer });
  } catch (error) {
    // What Cedar does not read, such as JSON too deep for it, breaks nothing.
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError))
      return parentPort!.postMessage({ unread: String(error) });
    parentPort!.postMessage({ thrown: String(error) });
    parentPort!.close();
  }
});
