import { secondVerifiers } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import type { Verifier } from "#verifier";
import { readHead, readMinimum, readNewestCheckpoint } from "../queries.ts";
import { sinceAhead } from "../refusals.ts";
import { readNewestWitnessedSize } from "../witness/queries.ts";
import { ArchivedTiles } from "./archive.ts";
import { Audit } from "./audit.ts";
import { KeyAudit } from "./keys.ts";
import { readPages } from "./pages.ts";
import type { Report, Since } from "./report.ts";

export interface Options {
  /**
   * What was verified before. Below it are checked: that the stored tree (tiles, and entries under no full tile) still has this
   * root; what was signed, cosigned and sealed in the root log at exactly this size; and that the log's keys were named by
   * entries under the signature of the key before. Not checked there: entries under full tiles, payloads, and rows; other checkpoints and cosignatures; the index.
   * Without a root, that of the signed checkpoint at this size is taken, which someone who has a key of the log could have exchanged:
   * who kept the root should give it.
   */
  readonly since?: Since | undefined;
  /** Stops after so many entries; `size` and `root` of the report say where to go on. */
  readonly entriesMax?: number | undefined;
  /** Witnesses whose cosignatures are checked; those of others are left. */
  readonly cosigners?: readonly Verifier[] | undefined;
  /** Number of a key whose halves do not belong together, as `Ledger.exchangedKey` tells it. */
  readonly exchangedKey?: number | null | undefined;
  readonly progress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Recomputes the log of a project from its rows: values to payloads, payloads to entries, entries to leaves, leaves
 * to tiles and root, and the root at every signed checkpoint and every head that the root log sealed. Reads pages, so memory
 * does not grow with the log.
 */
export async function verifyLog(tx: Tx, options: Options = {}): Promise<Report> {
  const { since = { size: 0 }, entriesMax = Number.MAX_SAFE_INTEGER, progress } = options;
  const head = await readHead(tx);
  if (head === undefined) throw new Error("this project has no log");
  const newest = await readNewestCheckpoint(tx);
  const end = Math.max(head.size, newest?.size ?? 0);
  if (since.size > head.size) throw sinceAhead(since.size, head.size);
  const minimum = await readMinimum(tx);
  const begin = Math.max(since.size, minimum);
  const keyAudit = await KeyAudit.open(tx, head.origin, begin);
  const { exchangedKey = null } = options;
  const stop = Math.min(end, begin + entriesMax);
  const audit = await Audit.open(tx, head.origin, {
    keys: [...keyAudit.keys, ...(await secondVerifiers(tx, head.origin))],
    keyAudit,
    cosigners: options.cosigners ?? [],
    since,
    minimum,
    isWhole: begin === 0 && stop === end,
  });
  if (exchangedKey !== null) audit.keyExchanged(exchangedKey);
  if (since.size === 0)
    for await (const page of new ArchivedTiles(tx, minimum)) {
      await audit.archived(page);
      progress?.(page.next, end);
    }
  for await (const page of readPages(tx, begin, stop)) {
    await audit.page(page);
    progress?.(Math.min(page.next, end), end);
  }
  if (stop === end) await audit.finish(head, newest, (await readNewestWitnessedSize(tx)) ?? 0);
  else await audit.pause(stop);
  return audit.report(stop === end);
}
