import type { Tx } from "#kernel/db.ts";
import type { StoredVersion } from "../queries.ts";
import { type Recorded, readPage, readSlices, readVersionsById, type Span } from "./queries.ts";
import { type Known, knownOf } from "./recall.ts";

/** Slices that are kept between pages, in characters. */
const SLICES_CHARACTERS_MAX = 16_777_216;

/** Decisions with what they knew. */
export interface Page {
  readonly decisions: readonly { readonly recorded: Recorded; readonly known: Known }[];
  /** Those that were asked for and not given before. */
  readonly versions: ReadonlyMap<string, StoredVersion>;
  /** Below this id nothing was looked at yet; null: the span is done. */
  readonly reached: string | null;
}

type Read = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/** What one way through a window keeps: slices that decisions share, up to a size, and which versions it has given. */
export class Pages {
  readonly #read: Read;
  readonly #wanted: readonly string[] | null;
  readonly #known = new Map<string, Known>();
  readonly #given = new Set<string>();
  #characters = 0;

  /**
   * @param read runs its work in a transaction of its own, so that however long the window, no snapshot is held
   * @param wanted versions whose decisions are given; null: all, and those without any
   */
  constructor(read: Read, wanted: readonly string[] | null) {
    this.#read = read;
    this.#wanted = wanted;
  }

  /** The newest decisions first. The next page is read while the one before is worked on. */
  async *through(span: Span): AsyncGenerator<Page> {
    let next: ReturnType<Pages["page"]> | undefined = this.page(span);
    while (next !== undefined) {
      const { page, rest }: Awaited<typeof next> = await next;
      next = rest === null ? undefined : this.page(rest);
      // Whoever stops early does not wait for it.
      next?.catch(() => {});
      yield page;
    }
  }

  page(span: Span): Promise<{ page: Page; rest: Span | null }> {
    return this.#read(async (tx) => {
      const { rows, rest } = await readPage(tx, span, this.#wanted);
      const ids = new Set(rows.flatMap(({ policy_version_id: id }) => id ?? []));
      const versions = await readVersionsById(
        tx,
        [...ids].filter((id) => !this.#given.has(id)),
      );
      for (const id of ids) this.#given.add(id);
      const known = await this.#recalled(tx, rows);
      const decisions = rows.map((recorded) => ({
        recorded,
        known: known.get(recorded.slice_hash)!,
      }));
      return { page: { decisions, versions, reached: rest?.before ?? null }, rest };
    });
  }

  async #recalled(tx: Tx, rows: readonly Recorded[]): Promise<ReadonlyMap<string, Known>> {
    const hashes = new Set(rows.map(({ slice_hash }) => slice_hash));
    const known = new Map<string, Known>();
    for (const hash of hashes) {
      const kept = this.#known.get(hash);
      if (kept !== undefined) known.set(hash, kept);
    }
    const missing = [...hashes].filter((hash) => !known.has(hash));
    const slices = await readSlices(tx, missing);
    for (const hash of missing) {
      const one = knownOf(slices.get(hash));
      known.set(hash, one);
      this.#keep(hash, one);
    }
    return known;
  }

  #keep(hash: string, known: Known): void {
    this.#characters += known.length;
    if (this.#characters > SLICES_CHARACTERS_MAX) {
      this.#known.clear();
      this.#characters = known.length;
    }
    this.#known.set(hash, known);
  }
}

/** Milliseconds since 1970 at which a UUIDv7 was made. */
export const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** How much of a span, by its time, lies behind, from 0 to 1. */
export function passed(
  { before, first }: Span & { readonly first: string | null },
  reached: string | null,
): number {
  if (first === null || reached === null) return 1;
  const [from_ms, until_ms] = [timeOf(first), timeOf(before)];
  return Math.min(1, (until_ms - timeOf(reached)) / Math.max(1, until_ms - from_ms));
}
