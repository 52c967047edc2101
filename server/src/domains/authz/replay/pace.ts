import { setImmediate as others } from "node:timers/promises";

/** How long may be computed before others have their turn, in milliseconds. */
const TURN_MS = 5;

/** Lets others work between the parts of a long computation. */
export class Pace {
  #since_ms = performance.now();

  /** Is it the others' turn? Asked before `rest`, so that most parts wait for nothing. */
  get isOver(): boolean {
    return performance.now() - this.#since_ms >= TURN_MS;
  }

  async rest(signal?: AbortSignal): Promise<void> {
    await others();
    signal?.throwIfAborted();
    this.#since_ms = performance.now();
  }
}
