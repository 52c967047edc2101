import type { Db } from "#kernel/db.ts";
import type { Feed, FeedPage, Revision } from "#pipeline";
import { readPage } from "./page.ts";

/** Pages kept for readers who come to the same place a little later. */
const PAGES_KEPT_MAX = 256;
/** Who may see a page was looked at when it was read; a change is heard at once, this is for when nobody could say so. */
const PAGE_KEPT_MS = 1_000;
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
export function openFeed(db: Db, revision: Revision): OpenFeed {
  const pages = new Map<string, { readonly page: Promise<FeedPage>; readonly until_ms: number }>();
  const waiters = new Map<string, Set<() => void>>();
  const counts = new Map<string, number>();
  let all = 0;
  const inTurn = turns(READS_AT_ONCE_MAX);

  const read = (tenantId: string, from: number): Promise<FeedPage> => {
    const place = `${tenantId} ${from}`;
    const known = pages.get(place);
    if (known !== undefined && known.until_ms > performance.now()) return known.page;
    const page = inTurn(() =>
      db.transaction({ role: "reader", tenantId }, (tx) => readPage(tx, tenantId, from, revision)),
    );
    pages.delete(place);
    if (pages.size >= PAGES_KEPT_MAX) pages.delete(pages.keys().next().value!);
    pages.set(place, { page, until_ms: performance.now() + PAGE_KEPT_MS });
    const forget = () => {
      if (pages.get(place)?.page === page) pages.delete(place);
    };
    // Nothing there yet: the next who asks looks again.
    page.then(({ events }) => (events.length === 0 ? forget() : undefined), forget);
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
      for (const place of pages.keys())
        if (tenantId === undefined || place.startsWith(`${tenantId} `)) pages.delete(place);
      stir(tenantId);
    },
  };
}

/** Runs at most so many at once; the others wait in the order in which they came. */
function turns(max: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= max) await new Promise<void>((resolve) => queue.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
