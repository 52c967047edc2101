import type { ReadPage } from "./page.ts";

const PAGES_MAX = 256;
/** Of the entries and payloads that kept pages were made of, over all projects. */
const BYTES_MAX = 16 * 2 ** 20;
/** Who may see a page was looked at when it was read; a change is heard at once, this is for when nobody could say so. */
const KEPT_MS = 1_000;

interface Kept {
  readonly page: Promise<ReadPage>;
  readonly until_ms: number;
  /** 0 until it was read. */
  bytes: number;
}

/** Pages for readers who come to the same place a little later: so many, of so many bytes, for so long. */
export function keptPages() {
  const pages = new Map<string, Kept>(); // the oldest first
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;

  const forget = (place: string): void => {
    bytes -= pages.get(place)?.bytes ?? 0;
    pages.delete(place);
  };

  const sweep = (): void => {
    for (const [place, { until_ms }] of pages)
      if (until_ms <= performance.now()) forget(place);
      else break;
    timer = pages.size === 0 ? undefined : setTimeout(sweep, KEPT_MS).unref();
  };

  return {
    find(place: string): Promise<ReadPage> | undefined {
      const kept = pages.get(place);
      return kept !== undefined && kept.until_ms > performance.now() ? kept.page : undefined;
    },
    keep(place: string, page: Promise<ReadPage>): void {
      forget(place);
      if (pages.size >= PAGES_MAX) forget(pages.keys().next().value!);
      const kept: Kept = { page, until_ms: performance.now() + KEPT_MS, bytes: 0 };
      pages.set(place, kept);
      timer ??= setTimeout(sweep, KEPT_MS).unref();
      const weigh = (read: ReadPage | undefined): void => {
        if (pages.get(place) !== kept) return;
        // Nothing there yet, or it failed: the next who asks looks again.
        if (read === undefined || read.events.length === 0) return forget(place);
        kept.bytes = read.bytes;
        bytes += read.bytes;
        for (const [oldest, { bytes: freed }] of pages) {
          if (bytes <= BYTES_MAX) return;
          if (freed > 0) forget(oldest);
        }
      };
      page.then(weigh, () => weigh(undefined));
    },
    forget,
    places: () => pages.keys(),
    count: () => pages.size,
    bytes: () => bytes,
  };
}
