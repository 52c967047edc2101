import { EventEmitter } from "node:events";
import type { ServerHttp2Session } from "node:http2";
import { afterEach, expect, test, vi } from "vitest";
import { watchSession } from "./session.ts";

afterEach(() => vi.useRealTimers());

test("a session that is destroyed, and has not said so yet, is let be", () => {
  vi.useFakeTimers();
  const ping = vi.fn(() => {
    // As http2 does.
    throw new Error("The session has been destroyed");
  });
  const session = Object.assign(new EventEmitter(), { destroyed: true, ping });
  watchSession(session as unknown as ServerHttp2Session, { ping_ms: 10, idle_ms: 1_000 });
  vi.advanceTimersByTime(25);
  expect(ping).not.toHaveBeenCalled();
});
