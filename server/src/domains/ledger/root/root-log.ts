import type { Tx } from "#kernel/db.ts";
import { newId, ROOT } from "#kernel/ids.ts";
import { type EntryOf, type Parts, sealIn } from "#pipeline";
import type { OpenLedger } from "../ledger.ts";
import { readHead, writeReaders } from "../queries.ts";
import { readUnsealedHeads, rootHeadRow, takeTurn, type UnsealedHead } from "./queries.ts";

const EVERY_MS = 5_000;
const HEADS_MAX = 1_000;
const TURN = "sealbase root log";

/**
 * The log over the logs of all projects: each of its entries seals a head that a project's log published. Who keeps, or
 * witnesses, this one log holds all of them to what they said. An entry names neither log nor size: they are in its
 * salted payload, which only their own project is shown.
 */
export class RootLog {
  readonly #parts: Parts & { readonly ledger: OpenLedger };
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts & { readonly ledger: OpenLedger }) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running = this.sealHeads().catch((error) =>
        this.#parts.log.error(
          { err: error },
          "the heads of the logs could not be sealed, and are tried again",
        ),
      );
    }, EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Seals the newest head of each log that has grown; returns how many, 0 when another server is at it. */
  async sealHeads(): Promise<number> {
    const { db, ledger } = this.#parts;
    await this.#begin();
    await ledger.ready(ROOT.id);
    const sealed = await db.transaction({ role: "writer", tenantId: ROOT.id }, (tx) =>
      this.#seal(tx),
    );
    if (sealed > 0) ledger.wake(ROOT.id);
    return sealed;
  }

  /** Makes the root log, once in the life of an installation. */
  async #begin(): Promise<void> {
    const { db, ledger } = this.#parts;
    const scope = { tenantId: ROOT.id } as const;
    if ((await db.transaction({ role: "reader", ...scope }, readHead)) !== undefined) return;
    await db.transaction({ role: "writer", ...scope }, async (tx) => {
      if (!(await takeTurn(tx, TURN)) || (await readHead(tx)) !== undefined) return;
      await ledger.createLog(tx, ROOT.id, ROOT.name);
      // Everybody may have it: its entries name nobody.
      await writeReaders(tx, ROOT.id, "entries");
    });
  }

  async #seal(tx: Tx): Promise<number> {
    if (!(await takeTurn(tx, TURN))) return 0;
    const heads = await readUnsealedHeads(tx, ROOT.id, HEADS_MAX);
    if (heads.length === 0) return 0;
    const entries = heads.map((head) => this.#entryOf(head));
    const rows = heads.map(({ logId, size }, i) => rootHeadRow(logId, size, entries[i]!.id));
    await sealIn(tx, this.#parts, ROOT.id, entries, rows);
    return heads.length;
  }

  #entryOf({ note }: UnsealedHead): EntryOf {
    return {
      id: newId(),
      time_ms: this.#parts.clock(),
      kind: "head",
      actor: "Sealbase:server",
      action: "ledger.head",
      outcome: "done",
      refs: {},
      payload: { checkpoint: note },
    };
  }
}
