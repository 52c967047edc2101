import { cancelled } from "#pipeline";
import { REQUESTS_MAX, REQUESTS_PER_PROJECT_MAX } from "./limits.ts";
import { tooManyRequests } from "./refusals.ts";

/** The requests that this server is answering: so many and no more, and each can be cancelled by its sender. */
export class UnderWay {
  readonly #inProject = new Map<string, number>();
  readonly #byName = new Map<string, Set<AbortController>>();
  #total = 0;

  /** Counts a request in; what it returns counts it out, once. */
  enter(tenantId: string): () => void {
    const count = this.#inProject.get(tenantId) ?? 0;
    if (this.#total >= REQUESTS_MAX || count >= REQUESTS_PER_PROJECT_MAX)
      throw tooManyRequests(count);
    this.#total++;
    this.#inProject.set(tenantId, count + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#total--;
      const rest = this.#inProject.get(tenantId)! - 1;
      if (rest === 0) this.#inProject.delete(tenantId);
      else this.#inProject.set(tenantId, rest);
    };
  }

  /** Keeps a request under its name until it is forgotten. */
  remember(name: string, controller: AbortController): () => void {
    const same = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, same.add(controller));
    return () => {
      same.delete(controller);
      if (same.size === 0 && this.#byName.get(name) === same) this.#byName.delete(name);
    };
  }

  /** Cancels the request of this name. Two of one name are left alone: one of them is not meant. */
  cancel(name: string): void {
    const same = this.#byName.get(name);
    if (same?.size === 1) for (const controller of same) controller.abort(cancelled());
  }
}
