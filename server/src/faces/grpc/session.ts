import type { ServerHttp2Session } from "node:http2";
import { IDLE_MS, PING_MS } from "./limits.ts";

/** Ends a connection whose other side is gone (it answers no ping) or makes no calls. */
export function watchSession(
  session: ServerHttp2Session,
  { ping_ms, idle_ms } = { ping_ms: PING_MS, idle_ms: IDLE_MS },
): void {
  let open = 0;
  let used_ms = performance.now();
  let waiting = false;
  const look = () => {
    // It may be destroyed a moment before it says that it has closed, and cannot be pinged then.
    if (session.destroyed) return;
    if (waiting) return session.destroy();
    if (open === 0 && performance.now() - used_ms > idle_ms) return session.close();
    waiting = true;
    session.ping(() => {
      waiting = false;
    });
  };
  const timer = setInterval(look, ping_ms).unref();
  session.on("stream", (stream) => {
    open++;
    stream.once("close", () => {
      open--;
      used_ms = performance.now();
    });
  });
  session.once("close", () => clearInterval(timer));
  // What the other side broke ends its connection; there is nobody to tell.
  session.on("error", () => undefined);
}
