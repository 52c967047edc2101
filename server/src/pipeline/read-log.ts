import { createHash } from "node:crypto";
import { newId } from "#kernel/ids.ts";
import type { Chain } from "./chain.ts";
import type { Writing } from "./commit.ts";
import type { Committer } from "./committer.ts";
import type { Ports } from "./ports.ts";
import { overloaded } from "./refusals.ts";

const FLUSH_MS = 1_000;
const FLUSH_COUNT = 256;
const SEAL_MS = 60_000;
const SEAL_COUNT = 1_000;
const WAITING_MAX = 10_000;

interface Unsealed {
  ids: string[];
  traceHashes: string[];
  since_ms: number;
}

/**
 * The decision log of reads. An allowed read is answered at once; its decision follows within a second, and once a
 * minute (or a thousand reads) one entry seals the hash of all their trace hashes. A crash loses the last
 * second, and leaves up to a minute of them recorded, not sealed.
 */
export class ReadLog {
  readonly #ports: Ports;
  readonly #committer: Committer;
  readonly #unsealed = new Map<string, Unsealed>();
  #waiting: { writing: Writing; traceHash: string }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(ports: Ports, committer: Committer) {
    this.#ports = ports;
    this.#committer = committer;
  }

  add(chain: Chain, writing: Writing): void {
    if (this.#waiting.length >= WAITING_MAX) throw overloaded(this.#waiting.length);
    this.#waiting.push({ writing, traceHash: chain.decision!.traceHash });
    if (this.#waiting.length >= FLUSH_COUNT) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }

  /** Writes what waits, and seals what is due; with `all`, everything. One run at a time; never throws. */
  flush(all = false): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.then(() => this.#flush(all));
    return this.#flushing;
  }

  async #flush(all: boolean): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    await Promise.all(
      batch.map(async ({ writing, traceHash }) => {
        try {
          // The read was allowed when it happened; a change since then does not undo that.
          await this.#committer.commit({ ...writing, revision: undefined });
          this.#remember(writing, traceHash);
        } catch (error) {
          this.#ports.log.error(
            { err: error, decision_id: writing.id },
            "the decision of a read could not be recorded",
          );
        }
      }),
    );
    for (const [tenantId, unsealed] of this.#unsealed) {
      const due =
        unsealed.ids.length >= SEAL_COUNT || this.#ports.clock() - unsealed.since_ms >= SEAL_MS;
      if (due || all) await this.#seal(tenantId, unsealed);
    }
    if (this.#unsealed.size > 0)
      this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }

  #remember(writing: Writing, traceHash: string): void {
    const { tenantId, id } = writing;
    const unsealed = this.#unsealed.get(tenantId) ?? {
      ids: [],
      traceHashes: [],
      since_ms: this.#ports.clock(),
    };
    unsealed.ids.push(id);
    unsealed.traceHashes.push(traceHash);
    this.#unsealed.set(tenantId, unsealed);
  }

  async #seal(tenantId: string, { ids, traceHashes }: Unsealed): Promise<void> {
    const { ledger, clock, log } = this.#ports;
    this.#unsealed.delete(tenantId);
    try {
      const id = newId();
      const entry = {
        id,
        time_ms: clock(),
        kind: "reads",
        actor: "Sealbase:server",
        action: "telemetry.reads.seal",
        outcome: "done",
        refs: { first: ids[0]!, last: ids.at(-1)! },
        payload: { decisions: ids, digest: digestOf(traceHashes) },
      } as const;
      await this.#committer.commit({ tenantId, id, rows: await ledger.rows(tenantId, entry) });
      ledger.wake(tenantId);
    } catch (error) {
      log.error(
        { err: error, tenant_id: tenantId, reads: ids.length },
        "a digest of reads could not be sealed",
      );
    }
  }
}

/** SHA-256 over the reads' trace hashes (hex, joined by newlines) in the order of the list. */
export const digestOf = (traceHashes: readonly string[]): string =>
  createHash("sha256").update(traceHashes.join("\n")).digest("hex");
