import type { Tx } from "#kernel/db.ts";
import type { StoredEntry } from "../queries.ts";
import { indexBehind } from "../refusals.ts";
import {
  entryOf,
  type Filter,
  hasTimes,
  isEmpty,
  matches,
  mayMatch,
  termOf,
} from "./attributes.ts";
import {
  type Range,
  readBounds,
  readBytesFrom,
  readCandidates,
  readCandidatesByTime,
  readEntriesAt,
  readExtent,
  SPAN,
} from "./queries.ts";

/** Entries that a query reads one by one because they are not indexed yet; beyond, it is refused. */
const TAIL_MAX = 4_096;
const CANDIDATES_MIN = 64;
const CANDIDATES_MAX = 256;

export interface Search {
  readonly filter: Filter;
  /** Places `from` (included) to `to` (excluded) of the log. */
  readonly from: number;
  readonly to: number;
  readonly newestFirst: boolean;
  /** Entries, and bytes of them with their payloads; one entry may be larger. */
  readonly limit: number;
  readonly bytesMax: number;
}

export interface Found {
  readonly entries: readonly StoredEntry[];
  /** Whether everything that was asked for was looked at. */
  readonly isAll: boolean;
}

/**
 * The entries that a filter asks for, exactly: found by their terms where they have them, one by one above that. Terms
 * only lead to an entry; whether it is one of those is asked of what was sealed.
 */
export async function findEntries(tx: Tx, search: Search): Promise<Found> {
  const { filter, limit } = search;
  const entries: StoredEntry[] = [];
  let bytes = search.bytesMax;
  for (const { range, candidates } of await partsOf(tx, search)) {
    for (let left = range; left.from < left.to; ) {
      const missing = limit - entries.length;
      // Without a filter every candidate is one of those.
      const most = isEmpty(filter) ? missing : Math.max(missing, CANDIDATES_MIN);
      const wanted = Math.min(most, CANDIDATES_MAX);
      const { places, rest } = await candidates(left, wanted);
      const rows = await readEntriesAt(tx, places, bytes);
      for (const row of rows) {
        if (!matches(filter, row)) continue;
        entries.push(row);
        bytes -= row.entry.length + (row.payload?.length ?? 0);
        if (entries.length === limit) return { entries, isAll: false };
      }
      if (bytes <= 0) return { entries, isAll: false };
      const last = rows.at(-1)?.index;
      // Fewer than asked for: more bytes than there was room for; or somebody took an entry away.
      left = last === undefined || last === places.at(-1) ? rest : after(left, last);
    }
  }
  return { entries, isAll: true };
}

/** The next places to look at, and what is left of the range behind them. */
type Candidates = (range: Range, limit: number) => Promise<{ places: number[]; rest: Range }>;

interface Part {
  readonly range: Range;
  readonly candidates: Candidates;
}

/** The indexed part of a search and the one above it, in the order in which they are looked through. */
async function partsOf(tx: Tx, { filter, from, to, newestFirst }: Search): Promise<Part[]> {
  const { head, indexed } = await readExtent(tx);
  const end = Math.min(to, head);
  if (isEmpty(filter))
    return [{ range: { from, to: end, newestFirst }, candidates: oneByOne(tx, filter) }];
  // The entries that fill no span yet are looked at one by one when times matter.
  const known = hasTimes(filter) ? indexed.size - (indexed.size % SPAN) : indexed.size;
  const edge = Math.max(from, Math.min(end, known));
  if (end - edge > TAIL_MAX) throw indexBehind(indexed.size, head);
  const below = { from, to: edge, newestFirst };
  const bounded = hasTimes(filter) && from < edge ? await readBounds(tx, filter, below) : below;
  const parts = [
    { range: bounded, candidates: byTerms(tx, filter) },
    { range: { from: edge, to: end, newestFirst }, candidates: oneByOne(tx, filter) },
  ];
  return newestFirst ? parts.reverse() : parts;
}

const byTerms = (tx: Tx, filter: Filter): Candidates => {
  const terms = filter.attributes.map(termOf);
  const times = hasTimes(filter) ? filter : undefined;
  return async (range, limit) => {
    const places =
      terms.length > 0
        ? await readCandidates(tx, terms, times, range, limit)
        : await readCandidatesByTime(tx, filter, range, limit);
    return { places, rest: restOf(range, places, limit) };
  };
};

const oneByOne =
  (tx: Tx, filter: Filter): Candidates =>
  async (range, limit) => {
    const rows = await readBytesFrom(tx, range, isEmpty(filter) ? limit : CANDIDATES_MAX);
    const mayBe = rows.filter(({ entry: bytes }) => {
      if (isEmpty(filter)) return true;
      const entry = entryOf(bytes);
      return entry !== undefined && mayMatch(filter, entry);
    });
    const places = rows.map(({ index }) => index);
    return {
      places: mayBe.map(({ index }) => index),
      rest: restOf(range, places, isEmpty(filter) ? limit : CANDIDATES_MAX),
    };
  };

function restOf(range: Range, places: readonly number[], limit: number): Range {
  return places.length < limit ? { ...range, to: range.from } : after(range, places.at(-1)!);
}

const after = (range: Range, place: number): Range =>
  range.newestFirst ? { ...range, to: place } : { ...range, from: place + 1 };
