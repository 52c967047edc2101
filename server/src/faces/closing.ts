import type { FastifyInstance } from "fastify";
import { cancelled } from "#pipeline";

const signals = new WeakMap<FastifyInstance, AbortSignal>();

/** Aborts when the server stops: streams end then, where answers are waited for. */
export function closingSignal(app: FastifyInstance): AbortSignal {
  let signal = signals.get(app);
  if (signal === undefined) {
    const controller = new AbortController();
    app.addHook("preClose", async () => controller.abort(cancelled()));
    signals.set(app, (signal = controller.signal));
  }
  return signal;
}
