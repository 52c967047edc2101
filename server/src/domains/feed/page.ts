import { decisionShown, readDecisionsById } from "#domains/authz";
import { entryShown, readCheckpoints, readEntries, readNewestCheckpoint } from "#domains/ledger";
import { query, type Tx } from "#kernel/db.ts";
import type { FeedEvent, FeedPage, Revision } from "#pipeline";
import { decisionsOf, eventsOf, type ShownCheckpoint, type ShownEntry } from "./events.ts";

const ENTRIES_MAX = 128;

/** Entries of the project that followers can have heard of by now. */
export const publishedSize = async (tx: Tx): Promise<number> =>
  (await readNewestCheckpoint(tx))?.size ?? 0;

/** The events of at most 128 published entries from `from` on, and the revision at which they were read. */
export async function readPage(
  tx: Tx,
  tenantId: string,
  from: number,
  revision: Revision,
): Promise<FeedPage> {
  const [size, [row]] = await Promise.all([
    publishedSize(tx),
    query<{ revision: number | null }>(tx, `select ${revision("$1")} as revision`, [tenantId]),
  ]);
  const nothing = { to: from, size, revision: row!.revision ?? -1, events: [] };
  if (from >= size) return nothing;
  const stored = (await readEntries(tx, from, ENTRIES_MAX)).filter(({ index }) => index < size);
  if (stored.length === 0) return nothing;
  const entries: ShownEntry[] = stored.map(entryShown);
  const to = entries.at(-1)!.index + 1;
  const [checkpoints, decisions] = await Promise.all([
    readCheckpoints(tx, { above: from, upTo: to }, ENTRIES_MAX),
    readDecisionsById(tx, entries.flatMap(decisionsOf)),
  ]);
  const bySize = new Map<number, ShownCheckpoint>(
    checkpoints.map(({ size: signed, root, note, createdAt }) => [
      signed,
      {
        size: signed,
        root: root.toString("base64"),
        checkpoint: note,
        created_at: createdAt.toISOString(),
      },
    ]),
  );
  const shown = new Map([...decisions].map(([id, row]) => [id, decisionShown(row)]));
  const events: FeedEvent[] = entries.flatMap((entry) =>
    eventsOf(tenantId, entry, bySize.get(entry.index + 1), shown),
  );
  return { ...nothing, to, events };
}
