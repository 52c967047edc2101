import { decodeEntry, type Verifier } from "#verifier";
import type { Session } from "../session.ts";
import type { ArchivedEntry } from "./check.ts";

/** One line of what the log says about its archives. */
export interface Archived {
  readonly kind: "archived" | "restored";
  readonly first: number;
  readonly past: number;
  readonly minimum: number;
  readonly manifest_hash: string;
}

/** The log that archives are made of, asked operation by operation. */
export interface ArchivingLog {
  readonly session: Session;
  readonly origin: string;
  /** Keys that its checkpoints are trusted by. */
  readonly verifiers: readonly Verifier[];
}

/** All of them, the newest first. */
export async function readArchives({ session }: ArchivingLog): Promise<Archived[]> {
  const all: Archived[] = [];
  for (let place = {}; ; ) {
    const { output } = await session.call("ledger.archive.list", { limit: 200, ...place });
    const { items, next_cursor } = output as { items: Archived[]; next_cursor: string | null };
    all.push(...items);
    if (next_cursor === null) return all;
    place = { cursor: next_cursor };
  }
}

export interface Page {
  readonly entries: readonly ArchivedEntry[];
  readonly next: number;
}

export const readPage = async (
  { session }: ArchivingLog,
  from: number,
  limit: number,
): Promise<Page> => (await session.call("ledger.archive.read", { from, limit })).output as Page;

/** The first entry from `from` up that is not older than a time, found by halving: places follow times but for seconds. */
export async function firstSince(
  log: ArchivingLog,
  { from, size }: { from: number; size: number },
  since_ms: number,
): Promise<number> {
  let [low, high] = [from, size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [found] = (await readPage(log, middle, 1)).entries;
    if (Date.parse(decodeEntry(found!.entry).time) < since_ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
