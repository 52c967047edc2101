import { recomputeTraces } from "#domains/authz";
import { readRegistryRows } from "#domains/registries";
import { readPayments, readScores } from "#domains/risk";
import { readEvents } from "#domains/telemetry";
import { readSealedVerdicts } from "#domains/vault";
import type { Tx } from "#kernel/db.ts";
import { sealedErasures } from "../erase/erasable.ts";
import { readErasures } from "../erase/queries.ts";
import { type Checkpoint, readCheckpoints, readEntries, type StoredEntry } from "../queries.ts";
import { readSealedHeads, type SealedHead } from "../root/queries.ts";
import { type Cosignature, readCosignatures } from "../witness/queries.ts";

const PAGE = 1_000;

/** Entries in order, and the rows that belong to them. */
export interface Page {
  readonly from: number;
  /** Where the page after it begins. */
  readonly next: number;
  readonly entries: readonly StoredEntry[];
  readonly decisions: Awaited<ReturnType<typeof recomputeTraces>>;
  readonly scores: Awaited<ReturnType<typeof readScores>>;
  readonly payments: Awaited<ReturnType<typeof readPayments>>;
  readonly events: Awaited<ReturnType<typeof readEvents>>;
  readonly verdicts: Awaited<ReturnType<typeof readSealedVerdicts>>;
  readonly registries: Awaited<ReturnType<typeof readRegistryRows>>;
  /** Ids whose payloads an entry says to be erased. */
  readonly erased: ReadonlySet<string>;
  readonly checkpoints: readonly Checkpoint[];
  readonly cosignatures: readonly Cosignature[];
  readonly heads: readonly SealedHead[];
}

/** The log between two places. PostgreSQL reads the next page while we recompute one. */
export async function* readPages(tx: Tx, begin: number, end: number): AsyncGenerator<Page> {
  let ahead = started(readPage(tx, begin, end));
  try {
    for (let from = begin; from < end; ) {
      const page = await ahead;
      from = page.entries.length === 0 ? end : page.next;
      if (from < end) ahead = started(readPage(tx, from, end));
      yield page;
    }
  } finally {
    // Nothing may be asked of the connection once the transaction has ended.
    await ahead.catch(() => {});
  }
}

/** A failure while nobody awaits it yet is not lost and not unhandled: the next await has it. */
function started<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

async function readPage(tx: Tx, from: number, end: number): Promise<Page> {
  const entries = (await readEntries(tx, from, PAGE)).filter(({ index }) => index < end);
  const next = (entries.at(-1)?.index ?? from) + 1;
  const ids = entries.map(({ id }) => id);
  const [decisions, scores, payments, events, verdicts, registries, erasures, checkpoints, heads] =
    await Promise.all([
      recomputeTraces(tx, ids),
      readScores(tx, ids),
      readPayments(tx, ids),
      readEvents(tx, ids),
      readSealedVerdicts(tx, ids),
      readRegistryRows(tx, ids),
      readErasures(tx, ids),
      readCheckpoints(tx, { above: from, upTo: next }, PAGE),
      readSealedHeads(tx, { above: from, upTo: next }, PAGE),
    ]);
  const sizes = checkpoints.map(({ size }) => size);
  const cosignatures = await readCosignatures(tx, sizes);
  const erased = sealedErasures(erasures);
  return {
    from,
    next,
    entries,
    decisions,
    scores,
    payments,
    events,
    verdicts,
    registries,
    erased,
    checkpoints,
    cosignatures,
    heads,
  };
}
