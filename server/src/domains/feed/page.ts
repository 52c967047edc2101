import { decisionShown, readDecisionsById } from "#domains/authz";
import {
  entryShown,
  readEntriesWithin,
  readMinimum,
  readPublished,
  readPublishedCheckpoints,
} from "#domains/ledger";
import { query, type Tx } from "#kernel/db.ts";
import type { FeedEvent, FeedPage, Ledger, Revision } from "#pipeline";
import { decisionsOf, eventsOf, type ShownCheckpoint, type ShownEntry } from "./events.ts";
import { parseOffset } from "./offset.ts";
import { offsetAhead, offsetArchived } from "./refusals.ts";

const ENTRIES_MAX = 128;
/** Of a page's entries and payloads; one entry may be larger. */
const BYTES_MAX = 2 ** 20;
/** A page ends before the entry that would bring more; one entry may have more. */
const DECISIONS_MAX = 1_024;

export interface ReadPage extends FeedPage {
  /** Of the entries and payloads that it was made of. */
  readonly bytes: number;
}

type Showing = Pick<Ledger, "waitsForWitnesses">;

/** Entries of the project that followers can have heard of by now. */
export const publishedSize = async (tx: Tx, ledger: Showing): Promise<number> =>
  (await readPublished(tx, ledger))?.size ?? 0;

/** Refuses an offset beyond what followers can have heard of, or before what they can be told. */
export async function refuseOutside(tx: Tx, ledger: Showing, offset: string): Promise<void> {
  const { index } = parseOffset(offset);
  const [size, minimum] = await Promise.all([publishedSize(tx, ledger), readMinimum(tx)]);
  if (index > size) throw offsetAhead(index, size);
  if (index < minimum) throw offsetArchived(index, minimum);
}

/** The events of published entries from `from` on, at most a page, and the revision at which they were read. */
export async function readPage(
  tx: Tx,
  tenantId: string,
  from: number,
  { revision, ledger }: { readonly revision: Revision; readonly ledger: Showing },
): Promise<ReadPage> {
  const [size, minimum, [row]] = await Promise.all([
    publishedSize(tx, ledger),
    readMinimum(tx),
    query<{ revision: number | null }>(tx, `select ${revision("$1")} as revision`, [tenantId]),
  ]);
  const nothing = { to: from, size, minimum, revision: row!.revision ?? -1, events: [], bytes: 0 };
  if (from >= size || from < minimum) return nothing;
  const limits = { entries: Math.min(ENTRIES_MAX, size - from), bytes: BYTES_MAX };
  const stored = await readEntriesWithin(tx, from, limits);
  if (stored.length === 0) return nothing;
  const entries = withFewDecisions(stored.map(entryShown));
  const bytes = stored
    .slice(0, entries.length)
    .reduce((sum, { entry, payload }) => sum + entry.length + (payload?.length ?? 0), 0);
  const to = entries.at(-1)!.index + 1;
  const [checkpoints, decisions] = await Promise.all([
    readPublishedCheckpoints(tx, ledger, { above: from, upTo: to }, ENTRIES_MAX),
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
  return { ...nothing, to, events, bytes };
}

function withFewDecisions(entries: readonly ShownEntry[]): readonly ShownEntry[] {
  let decisions = 0;
  const end = entries.findIndex((entry, nth) => {
    decisions += decisionsOf(entry).length;
    return nth > 0 && decisions > DECISIONS_MAX;
  });
  return end === -1 ? entries : entries.slice(0, end);
}
