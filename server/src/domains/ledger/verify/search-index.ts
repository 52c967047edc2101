import type { Tx } from "#kernel/db.ts";
import type { Entry } from "#verifier";
import { attributesOf, termOf } from "../search/attributes.ts";
import { SpanTimes } from "../search/batch.ts";
import {
  countIndex,
  type Indexed,
  readExtent,
  readSpans,
  readUnindexed,
  SPAN,
  type Span,
} from "../search/queries.ts";
import type { Finding } from "./report.ts";

/** An entry as far as it can be believed: undefined when it is malformed; its payload null when that is erased or another one. */
export interface Believed {
  readonly index: number;
  readonly id: string;
  readonly entry: Entry | undefined;
  readonly payload: unknown;
}

const FINDINGS_MAX = 100;

/**
 * Whether what leads to entries leads to each of them: every term of every indexed entry, and the times of every span; of a log that
 * is read from its beginning to its end, also that there is no row more. A row more cannot make an entry appear that does
 * not fit a query; a row that is gone would hide one.
 */
export class IndexAudit {
  readonly #tx: Tx;
  readonly #indexed: Indexed;
  readonly #times: SpanTimes;
  /** The first span of which every entry is seen. */
  readonly #firstSpan: number;
  /** To be told when the log itself holds: the index of another log would not fit either. */
  readonly findings: Finding[] = [];
  #terms = 0;
  /** Whether every entry and payload is as it was when it was indexed, as far as can be seen. */
  #isWhole = true;

  private constructor(tx: Tx, indexed: Indexed, begin: number) {
    this.#tx = tx;
    this.#indexed = indexed;
    this.#times = new SpanTimes({ size: begin, earliest_ms: null, latest_ms: null });
    this.#firstSpan = Math.ceil(begin / SPAN);
  }

  /** For the entries from `begin` up. */
  static async open(tx: Tx, begin: number): Promise<IndexAudit> {
    return new IndexAudit(tx, (await readExtent(tx)).indexed, begin);
  }

  /** The next entries in order. */
  async page(entries: readonly Believed[]): Promise<void> {
    const terms: [bigint, number][] = [];
    for (const { index, entry, payload } of entries) {
      if (index >= this.#indexed.size) break;
      this.#times.add(entry?.time);
      if (entry === undefined || payload === null) this.#isWhole = false;
      if (entry === undefined) continue;
      for (const attribute of attributesOf(entry, payload)) terms.push([termOf(attribute), index]);
    }
    this.#terms += terms.length;
    for (const at of terms.length === 0 ? [] : await readUnindexed(this.#tx, terms))
      this.#find("index_missing", at, `queries do not find entry ${at} by all that it says`);
    await this.#spans(this.#times.full.splice(0));
  }

  /** Of a whole log, once all its entries were seen: that the index says how far it is, and has no row more. */
  async finish(): Promise<void> {
    const { size, earliest_ms, latest_ms } = this.#times.indexed;
    const said = this.#indexed;
    if (said.size !== size || said.earliest_ms !== earliest_ms || said.latest_ms !== latest_ms)
      this.#find(
        "index_changed",
        null,
        `the index covers ${said.size} entries otherwise than it says`,
      );
    // What an erased payload was found by may still be there.
    if (!this.#isWhole) return;
    const { terms, spans } = await countIndex(this.#tx);
    if (terms > this.#terms || spans > Math.floor(size / SPAN))
      this.#find("index_changed", null, "the index has rows that no entry stands for");
  }

  async #spans(seen: readonly Span[]): Promise<void> {
    const full = seen.filter(({ index }) => index >= this.#firstSpan);
    if (full.length === 0) return;
    const rows = await readSpans(this.#tx, full[0]!.index, full.at(-1)!.index + 1);
    const kept = new Map(rows.map((row) => [row.index, row]));
    for (const { index, earliest_ms, latest_ms } of full) {
      const row = kept.get(index);
      if (row?.earliest_ms === earliest_ms && row.latest_ms === latest_ms) continue;
      const kind = row === undefined ? "index_missing" : "index_changed";
      const at = index * SPAN;
      this.#find(kind, at, `queries by time do not find all entries from ${at} on`);
    }
  }

  #find(kind: string, at: number | null, message: string): void {
    if (this.findings.length < FINDINGS_MAX) this.findings.push({ kind, at, message });
  }
}
