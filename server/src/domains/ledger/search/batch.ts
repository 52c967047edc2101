import type { StoredEntry } from "../queries.ts";
import { attributesOf, entryOf, parsed, termOf } from "./attributes.ts";
import { type Indexed, SPAN, type Span } from "./queries.ts";

/** What a batch of entries adds to the index, and how far it is after that. */
export interface Batch {
  readonly grown: Indexed;
  /** In the order of the index that they go to. */
  readonly terms: readonly (readonly [bigint, number])[];
  readonly spans: readonly Span[];
}

/** The entries after those that are indexed, in order. One that cannot be read is passed over: nothing finds it. */
export function batchOf(indexed: Indexed, entries: readonly StoredEntry[]): Batch {
  const terms: [bigint, number][] = [];
  const times = new SpanTimes(indexed);
  for (const { index, entry: bytes, payload } of entries) {
    const entry = entryOf(bytes);
    times.add(entry?.time);
    if (entry === undefined) continue;
    for (const attribute of attributesOf(entry, payload === null ? null : parsed(payload)))
      terms.push([termOf(attribute), index]);
  }
  terms.sort(([a, i], [b, j]) => (a === b ? i - j : a < b ? -1 : 1));
  return { grown: times.indexed, terms, spans: times.full };
}

/** The times of entries in order, span by span. */
export class SpanTimes {
  readonly full: Span[] = [];
  #size: number;
  #earliest_ms: number;
  #latest_ms: number;

  constructor({ size, earliest_ms, latest_ms }: Indexed) {
    this.#size = size;
    this.#earliest_ms = earliest_ms ?? NONE.earliest_ms;
    this.#latest_ms = latest_ms ?? NONE.latest_ms;
  }

  /** The next entry's time; undefined when it cannot be read. */
  add(time: string | undefined): void {
    if (time !== undefined) {
      const time_ms = Date.parse(time);
      this.#earliest_ms = Math.min(this.#earliest_ms, time_ms);
      this.#latest_ms = Math.max(this.#latest_ms, time_ms);
    }
    if (++this.#size % SPAN !== 0) return;
    const { earliest_ms, latest_ms } = this.#times();
    this.full.push({ index: this.#size / SPAN - 1, earliest_ms, latest_ms });
    this.#earliest_ms = NONE.earliest_ms;
    this.#latest_ms = NONE.latest_ms;
  }

  get indexed(): Indexed {
    const isNone = this.#earliest_ms > this.#latest_ms;
    return { size: this.#size, ...(isNone ? NOTHING : this.#times()) };
  }

  #times = () => ({ earliest_ms: this.#earliest_ms, latest_ms: this.#latest_ms });
}

/** Of no entry: later than everything, and earlier. */
const NONE = { earliest_ms: Number.MAX_SAFE_INTEGER, latest_ms: Number.MIN_SAFE_INTEGER };
const NOTHING = { earliest_ms: null, latest_ms: null };
