import type { Db } from "#kernel/db.ts";
import { turns } from "#kernel/turns.ts";
import type { Feed, FeedPage, Ledger, Revision } from "#pipeline";
import { keptPages } from "./kept.ts";
import { readPage } from "./page.ts";

const COUNTED_MAX = 100_000;
/** Reads that are under way, so that a thousand readers of the past leave connections for calls. */
const READS_AT_ONCE_MAX = 3;

export interface OpenFeed extends Feed {
  /** A project's log has grown; without a project, any may have. */
  grown(tenantId?: string): void;
  /** What decides who may see a project's events has changed; without a project, any. */
  changed(tenantId?: string): void;
}

/**
 * Reads logs for all who follow them. Readers at the same place share one read, so a thousand of them cost the
 * database what one does; who is elsewhere reads for itself.
 */
export function openFeed(
  db: Db,
  of: { readonly revision: Revision; readonly ledger: Pick<Ledger, "waitsForWitnesses"> },
): OpenFeed {
  const pages = keptPages();
  const waiters = new Map<string, Set<() => void>>();
  const counts = new Map<string, number>();
  let all = 0;
  const inTurn = turns(READS_AT_ONCE_MAX);

  const read = (tenantId: string, from: number): Promise<FeedPage> => {
    const place = `${tenantId} ${from}`;
    const known = pages.find(place);
    if (known !== undefined) return known;
    const page = inTurn(() =>
      db.transaction({ role: "reader", tenantId }, (tx) => readPage(tx, tenantId, from, of)),
    );
    pages.keep(place, page);
    return page;
  };

  const count = (tenantId: string): number => all + (counts.get(tenantId) ?? 0);

  const stir = (tenantId: string | undefined): void => {
    if (tenantId === undefined || counts.size >= COUNTED_MAX) {
      counts.clear();
      all += 2 ** 20; // above every count that was given out before
    } else counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
    for (const tenant of tenantId === undefined ? [...waiters.keys()] : [tenantId])
      for (const wake of waiters.get(tenant) ?? []) wake();
  };

  return {
    read,
    count,
    wait(tenantId, seen, ms, signal) {
      if (count(tenantId) !== seen || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const woken = waiters.get(tenantId) ?? new Set();
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", end);
          woken.delete(end);
          if (woken.size === 0 && waiters.get(tenantId) === woken) waiters.delete(tenantId);
          resolve();
        };
        const timer = setTimeout(end, ms);
        signal.addEventListener("abort", end, { once: true });
        woken.add(end);
        waiters.set(tenantId, woken);
      });
    },
    grown: stir,
    changed(tenantId) {
      for (const place of pages.places())
        if (tenantId === undefined || place.startsWith(`${tenantId} `)) pages.forget(place);
      stir(tenantId);
    },
  };
}
