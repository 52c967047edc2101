import { newId } from "#kernel/ids.ts";
import type { Committer } from "./committer.ts";
import type { Ports, Suspicion } from "./ports.ts";
import { recordEvent } from "./record-event.ts";

/** One event a key and kind in this time; the next one says how many were left out. */
const QUIET_MS = 60_000;
const REMEMBERED_MAX = 10_000;

/**
 * Tells a project that its keys were forged, or used after their end. Nobody waits for it, so that a known prefix answers like an unknown
 * one; and however often it happens, it writes little.
 */
export class Suspicions {
  readonly #ports: Ports;
  readonly #committer: Committer;
  readonly #recent = new Map<string, { since_ms: number; leftOut: number }>();
  readonly #writing = new Set<Promise<void>>();

  constructor(ports: Ports, committer: Committer) {
    this.#ports = ports;
    this.#committer = committer;
  }

  add({ tenantId, kind, prefix, facts }: Suspicion, requestId: string): void {
    const { clock, log } = this.#ports;
    const now_ms = clock();
    const key = `${tenantId} ${kind} ${prefix}`;
    const recent = this.#recent.get(key);
    if (recent !== undefined && now_ms - recent.since_ms < QUIET_MS) {
      recent.leftOut++;
      return;
    }
    if (this.#recent.size >= REMEMBERED_MAX) this.#recent.clear();
    this.#recent.set(key, { since_ms: now_ms, leftOut: 0 });
    const event = {
      id: newId(),
      kind,
      severity: "warning",
      actor: "unknown",
      requestId,
      decisionId: null,
      facts: { ...facts, prefix, left_out: recent?.leftOut ?? 0 },
      time_ms: now_ms,
    } as const;
    const written = recordEvent(this.#ports, this.#committer, tenantId, event).catch((error) =>
      log.error({ err: error, kind }, "a suspicion could not be recorded"),
    );
    this.#writing.add(written);
    void written.finally(() => this.#writing.delete(written));
  }

  /** Resolves when everything that was added is written. */
  async flush(): Promise<void> {
    await Promise.all(this.#writing);
  }
}
