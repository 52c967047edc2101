import type { Tx } from "#kernel/db.ts";
import { ROOT } from "#kernel/ids.ts";
import type { Entry } from "#verifier";
import { readOpening, readTilesAbove } from "../beside/queries.ts";
import { type RootHead, readRootHeads, readUnsealedRootHeads } from "../root/queries.ts";
import { entryOf, parsed } from "../search/attributes.ts";
import type { SealedPayload } from "../values.ts";
import type { Page } from "./pages.ts";
import type { Finding } from "./report.ts";

const FINDINGS_MAX = 20;
const OPEN = "ledger.log.open";
/** Calls at the same time may have written in another order than their entries stand in. */
const TOGETHER_MS = 60_000;

/** Rows of the ledger itself that say again what entries say: who may read the log, and which heads the root log sealed. */
export class BesideAudit {
  readonly findings: Finding[] = [];
  readonly #tx: Tx;
  readonly #isWhole: boolean;
  /** What the last calls that opened the log said; undefined when that was erased. */
  #openings: { time_ms: number; readers: unknown }[] = [];

  constructor(tx: Tx, isWhole: boolean) {
    this.#tx = tx;
    this.#isWhole = isWhole;
  }

  /** The next entries in order. */
  async page({ entries }: Pick<Page, "entries">): Promise<void> {
    const rows = new Map<string, RootHead[]>();
    for (const row of await readRootHeads(
      this.#tx,
      entries.map(({ id }) => id),
    ))
      rows.set(row.entryId, [...(rows.get(row.entryId) ?? []), row]);
    for (const { index, id, entry: bytes, payload } of entries) {
      const entry = entryOf(bytes);
      if (entry === undefined) continue;
      const said = payload === null ? null : parsed(payload);
      this.#opening(entry, said as SealedPayload | null);
      if (!isHead(entry, said, rows.get(id) ?? []))
        this.#find("root_head_changed", index, `the head of entry ${index} is kept otherwise`);
    }
  }

  /** At the end of the log of so many entries. */
  async finish(size: number): Promise<readonly Finding[]> {
    const limit = FINDINGS_MAX + 1;
    for (const { logId, size: at } of await readUnsealedRootHeads(this.#tx, limit))
      this.#find("root_head_changed", null, `no entry seals the head of ${logId} at ${at}`);
    for (const { level, index } of await readTilesAbove(this.#tx, size, limit))
      this.#find("tile_changed", null, `tile ${level}/${index} is above the end of the log`);
    const { readers, isRoot, isPending } = await readOpening(this.#tx, ROOT.id, OPEN);
    const isSealed =
      this.#openings.length === 0
        ? readers === "none"
        : this.#openings.some((said) => said.readers === undefined || said.readers === readers);
    // The root log is opened where it is made, and a call that waits for its place has opened already.
    if (this.#canTell && !isRoot && !isPending && !isSealed)
      this.#find("opening_unsealed", null, `no call opened the log to: ${readers}`);
    return this.findings;
  }

  /** Without the entries before, nobody knows what was opened there. */
  get #canTell(): boolean {
    return this.#isWhole || this.#openings.length > 0;
  }

  #opening({ action, outcome, time }: Entry, payload: SealedPayload | null): void {
    if (action !== OPEN || outcome !== "done") return;
    const time_ms = Date.parse(time);
    const { readers } = (payload?.request?.input ?? {}) as { readers?: unknown };
    this.#openings = this.#openings.filter((before) => before.time_ms > time_ms - TOGETHER_MS);
    this.#openings.push({ time_ms, readers });
  }

  #find(kind: string, at: number | null, message: string): void {
    if (this.findings.length <= FINDINGS_MAX) this.findings.push({ kind, at, message });
  }
}

/** Whether rows say of an entry which log's head it seals, and of which size, as the checkpoint in its payload does. */
function isHead({ kind }: Entry, payload: unknown, rows: readonly RootHead[]): boolean {
  if (kind !== "head") return rows.length === 0;
  const [row, ...others] = rows;
  if (row === undefined || others.length > 0) return false;
  // A payload that is gone is a finding of its own.
  if (payload === null) return true;
  const { checkpoint } = payload as { checkpoint?: unknown };
  const [origin = "", size] = String(checkpoint).split("\n");
  return origin.endsWith(`/log/${row.logId}`) && size === String(row.size);
}
