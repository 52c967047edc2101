import { recomputeTraces } from "#domains/authz";
import type { Tx } from "#kernel/db.ts";
import { digestOf } from "#pipeline";
import { decodeEntry, type Entry, parseJson, payloadHash } from "#verifier";
import type { StoredEntry } from "../queries.ts";
import { entryOf } from "../search/attributes.ts";
import type { SealedPayload } from "../values.ts";
import type { Findings } from "./findings.ts";
import { type Ending, endingOf } from "./jobs.ts";
import type { Page } from "./pages.ts";
import type { Believed } from "./search-index.ts";
import { valueFindings } from "./values.ts";

/** What the payloads of a page say, as far as they are what was sealed. */
interface Opened {
  readonly believed: readonly Believed[];
  readonly endings: readonly Ending[];
}

/** The rows that an entry stands for still say what its payload says, and the payload is the one that was sealed. */
export class PayloadAudit {
  readonly #tx: Tx;
  readonly #log: string;
  readonly #eventsUntil_ms: number;
  readonly #findings: Findings;
  erased = 0;

  constructor(
    tx: Tx,
    { log, eventsUntil_ms }: { log: string; eventsUntil_ms: number },
    findings: Findings,
  ) {
    this.#tx = tx;
    this.#log = log;
    this.#eventsUntil_ms = eventsUntil_ms;
    this.#findings = findings;
  }

  async page(page: Page): Promise<Opened> {
    const endings: Ending[] = [];
    const believed: Believed[] = [];
    for (const stored of page.entries) {
      const { index, id } = stored;
      const opened = this.#open(stored, page.erased.has(id));
      const entry = opened?.entry ?? entryOf(stored.entry);
      believed.push({ index, id, entry, payload: opened?.payload ?? null });
      if (opened === undefined) continue;
      for (const finding of valueFindings(stored, opened, page, this.#eventsUntil_ms))
        this.#findings.add(finding);
      const { payload } = opened;
      const job = endingOf(payload);
      if (job !== undefined) endings.push({ index, time: opened.entry.time, job });
      const { decisions: reads, digest } = payload;
      if (digest !== undefined) await this.#reads(index, reads!, digest);
    }
    return { believed, endings };
  }

  #open(
    { index, entry, salt, payload }: StoredEntry,
    isErased: boolean,
  ): { entry: Entry; payload: SealedPayload } | undefined {
    const find = (kind: string, message: string) => this.#findings.find(kind, index, message);
    let sealed: Entry;
    try {
      sealed = decodeEntry(entry);
    } catch (error) {
      find("entry_malformed", (error as Error).message);
      return undefined;
    }
    if (sealed.log !== this.#log)
      find("entry_foreign", `entry ${index} was made for log ${sealed.log}`);
    if (salt === null || payload === null) {
      if (isErased) this.erased++;
      else
        find(
          "payload_missing",
          `the payload of entry ${index} is gone, and no entry says that it was erased`,
        );
      return undefined;
    }
    if (isErased) {
      find("payload_restored", `the payload of entry ${index} was erased, and is here again`);
      return undefined;
    }
    const found = payloadHash(salt, payload);
    if (found === sealed.payload_hash) return { entry: sealed, payload: parseJson(payload) };
    this.#findings.add({
      kind: "payload_changed",
      at: index,
      message: `the payload of entry ${index} is not the one that was sealed`,
      expected: sealed.payload_hash,
      found,
    });
    return undefined;
  }

  async #reads(index: number, ids: readonly string[], digest: string): Promise<void> {
    const rows = await recomputeTraces(this.#tx, ids);
    const unchanged = (id: string) => {
      const row = rows.get(id);
      return row !== undefined && row.stored === row.recomputed ? row.stored : "";
    };
    if (digestOf(ids.map(unchanged)) !== digest)
      this.#findings.find(
        "reads_changed",
        index,
        `the read decisions that entry ${index} seals are not the ones that were made`,
      );
  }
}
