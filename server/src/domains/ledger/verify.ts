import { recomputeTraces } from "#domains/authz";
import { type RETAINED_TABLES, readFinishedJobIds, readRetainedUntil } from "#domains/ops";
import { readPaymentIds, readPayments, readScoreIds, readScores } from "#domains/risk";
import { logVerifierKeys, secondVerifiers } from "#domains/security";
import { readEventIds, readEvents, readSealedCalls } from "#domains/telemetry";
import { readSealedVerdicts, readVerdictCalls } from "#domains/vault";
import type { Tx } from "#kernel/db.ts";
import { digestOf } from "#pipeline";
import {
  CompactRange,
  decodeEntry,
  type Entry,
  equalBytes,
  leafHash,
  payloadHash,
  TileBuilder,
  type TrustedKey,
  toHex,
  verifyCheckpoint,
} from "#verifier";
import { sealedErasures } from "./erase/erasable.ts";
import { readErasures } from "./erase/queries.ts";
import {
  type Checkpoint,
  type Head,
  isUnsealed,
  isUnsealedJob,
  readCheckpoints,
  readEntries,
  readHead,
  readLost,
  readMinimum,
  readNewestCheckpoint,
  readTiles,
  type StoredEntry,
  type Tile,
} from "./queries.ts";
import {
  isRatedSo,
  isSameDecision,
  isSameScore,
  isSameSubject,
  type SealedPayload,
} from "./values.ts";
import { type ArchivedPage, ArchivedTiles, archiveFindings } from "./verify-archive.ts";
import { eventFinding } from "./verify-events.ts";
import { endingOf, JobAudit } from "./verify-jobs.ts";
import { vaultFinding } from "./verify-vault.ts";
import { readNewestWitnessedSize } from "./witness/queries.ts";

const PAGE = 1_000;
const FINDINGS_MAX = 20;

/** One thing that is not as it was sealed. */
export interface Finding {
  readonly kind: string;
  /** Place of the entry, or size of the checkpoint; null when it is about the log as a whole. */
  readonly at: number | null;
  readonly message: string;
}

export interface Report {
  readonly valid: boolean;
  readonly log: string;
  readonly entries: number;
  /** Entries below this index are in archives: of them hashes and checkpoints were recomputed, no values. */
  readonly minimum: number;
  readonly checkpoints: number;
  /** Payloads that were erased; their entries and proofs hold. */
  readonly erased: number;
  /** Hex of the recomputed root. */
  readonly root: string;
  readonly findings: readonly Finding[];
  readonly more_findings: number;
}

/**
 * Recomputes the whole log of a project from its rows: values to payloads, payloads to entries, entries to leaves, leaves
 * to tiles and root, and the root at every signed checkpoint. Reads pages, so memory does not grow with the log.
 */
export async function verifyLog(
  tx: Tx,
  progress: (done: number, total: number) => void = () => {},
): Promise<Report> {
  const head = await readHead(tx);
  if (head === undefined) throw new Error("this project has no log");
  const keys = [
    ...(await logVerifierKeys(tx, head.origin)),
    ...(await secondVerifiers(tx, head.origin)),
  ];
  const audit = new Audit(tx, head.origin, keys, await readRetainedUntil(tx));
  const newest = await readNewestCheckpoint(tx);
  audit.witnessed((await readNewestWitnessedSize(tx)) ?? 0, newest);
  const end = Math.max(head.size, newest?.size ?? 0);
  const minimum = await readMinimum(tx);
  for await (const page of new ArchivedTiles(tx, minimum)) {
    await audit.archived(page);
    progress(page.next, end);
  }
  for await (const page of readPages(tx, minimum, end)) {
    await audit.page(page);
    progress(Math.min(page.next, end), end);
  }
  await audit.finish(head, newest);
  return audit.report();
}

/** Entries in order, and the rows that belong to them. */
interface Page {
  readonly from: number;
  /** Where the page after it begins. */
  readonly next: number;
  readonly entries: readonly StoredEntry[];
  readonly decisions: Awaited<ReturnType<typeof recomputeTraces>>;
  readonly scores: Awaited<ReturnType<typeof readScores>>;
  readonly payments: Awaited<ReturnType<typeof readPayments>>;
  readonly events: Awaited<ReturnType<typeof readEvents>>;
  readonly verdicts: Awaited<ReturnType<typeof readSealedVerdicts>>;
  /** Ids whose payloads an entry says to be erased. */
  readonly erased: ReadonlySet<string>;
  readonly checkpoints: readonly Checkpoint[];
}

/** The log from `start` to `end`. PostgreSQL reads the next page while we recompute one. */
async function* readPages(tx: Tx, start: number, end: number): AsyncGenerator<Page> {
  let ahead = started(readPage(tx, start, end));
  try {
    for (let from = start; from < end; ) {
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
  const [decisions, scores, payments, events, verdicts, erasures, checkpoints] = await Promise.all([
    recomputeTraces(tx, ids),
    readScores(tx, ids),
    readPayments(tx, ids),
    readEvents(tx, ids),
    readSealedVerdicts(tx, ids),
    readErasures(tx, ids),
    readCheckpoints(tx, { above: from, upTo: next }, PAGE),
  ]);
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
    erased,
    checkpoints,
  };
}

class Audit {
  readonly #tx: Tx;
  readonly #log: string;
  readonly #keys: readonly TrustedKey[];
  readonly #range = new CompactRange();
  readonly #tiles = new TileBuilder();
  readonly #findings: Finding[] = [];
  readonly #jobs: JobAudit;
  readonly #eventsUntil_ms: number;
  #more = 0;
  #erased = 0;
  #checkpoints = 0;
  #minimum = 0;

  constructor(
    tx: Tx,
    log: string,
    keys: readonly TrustedKey[],
    retainedUntil: ReadonlyMap<string, number>,
  ) {
    this.#tx = tx;
    this.#log = log;
    this.#keys = keys;
    const until_ms = (table: (typeof RETAINED_TABLES)[number]) =>
      retainedUntil.get(table) ?? Number.NEGATIVE_INFINITY;
    this.#eventsUntil_ms = until_ms("telemetry.security_events");
    this.#jobs = new JobAudit(tx, until_ms("ops.outbox"), ({ kind, at, message }) =>
      this.#find(kind, at, message),
    );
  }

  async page(page: Page): Promise<void> {
    await this.#values(page);
    const { from, entries } = page;
    const checkpoints = new Map(page.checkpoints.map((row) => [row.size, row]));
    for (const [place, { index, entry }] of entries.entries()) {
      if (index !== from + place) {
        this.#find("entry_missing", from + place, `entry ${from + place} is not there`);
        return;
      }
      this.#range.append(leafHash(entry), (level, node, hash) =>
        this.#tiles.add(level, node, hash),
      );
      const checkpoint = checkpoints.get(index + 1);
      if (checkpoint !== undefined) this.#checkpoint(checkpoint);
    }
    await Promise.all(this.#tiles.takeFull().map((tile) => this.#tile(tile)));
  }

  /** Entries that are in archives, by their hashes: these lead to the tiles above them, and to the checkpoints, as entries would. */
  async archived({ leaves, next, checkpoints }: ArchivedPage): Promise<void> {
    const signed = new Map(checkpoints.map((row) => [row.size, row]));
    for (const leaf of leaves) {
      this.#range.append(leaf, (level, node, hash) => this.#tiles.add(level, node, hash));
      const checkpoint = signed.get(this.#range.size);
      if (checkpoint !== undefined) this.#checkpoint(checkpoint);
    }
    this.#minimum = next;
    if (this.#range.size !== next)
      this.#find("tile_missing", next, `tiles of archived entries below ${next} are not there`);
    const above = this.#tiles.takeFull().filter(({ level }) => level > 0);
    await Promise.all(above.map((tile) => this.#tile(tile)));
  }

  /** What witnesses cosigned was published: its checkpoint cannot be gone by itself. */
  witnessed(size: number, newest: Checkpoint | undefined): void {
    if (size > (newest?.size ?? 0))
      this.#find("checkpoint_missing", size, `the checkpoint that was cosigned at ${size} is gone`);
  }

  async finish({ size, hashes }: Head, newest: Checkpoint | undefined): Promise<void> {
    const counted = this.#range.size;
    const root = rootOfHead(size, hashes);
    if (counted !== size)
      this.#find(
        "head_mismatch",
        size,
        `the head says ${size} entries; ${counted} are there in order`,
      );
    else if (root === undefined || !equalBytes(root, this.#range.root()))
      this.#find("head_mismatch", size, "the head's root is not that of the entries");
    if (newest !== undefined && newest.size > counted)
      this.#find(
        "truncated",
        newest.size,
        `a checkpoint was signed at ${newest.size}; ${counted} entries are left`,
      );
    for (const id of await readLost(this.#tx, FINDINGS_MAX + 1))
      this.#find(
        "entry_lost",
        null,
        `entry ${id} was durable; it is not in the log and does not wait for a place`,
      );
    await this.#jobs.settle(counted);
    for (const { kind, at, message } of await archiveFindings(this.#tx))
      this.#find(kind, at, message);
    await this.#unsealed();
  }

  /** Rows that no entry stands for: somebody put them there beside the log. */
  async #unsealed(): Promise<void> {
    const limit = FINDINGS_MAX + 1;
    const [calls, payments, scores, events, jobs, verdicts] = await Promise.all([
      readSealedCalls(this.#tx, isUnsealed, limit),
      readPaymentIds(this.#tx, isUnsealed, limit),
      readScoreIds(this.#tx, isUnsealed, limit),
      readEventIds(this.#tx, isUnsealed, limit),
      readFinishedJobIds(this.#tx, isUnsealedJob, limit),
      readVerdictCalls(this.#tx, isUnsealed, limit),
    ]);
    const rows = {
      call: calls,
      payment: payments,
      score: scores,
      event: events,
      job: jobs,
      "what the vault has of": verdicts,
    };
    for (const [what, ids] of Object.entries(rows))
      for (const id of ids)
        this.#find("row_unsealed", null, `${what} ${id} is stored, and no entry was made for it`);
  }

  report(): Report {
    return {
      valid: this.#findings.length === 0,
      log: this.#log,
      entries: this.#range.size,
      minimum: this.#minimum,
      checkpoints: this.#checkpoints,
      erased: this.#erased,
      root: toHex(this.#range.root()),
      findings: this.#findings,
      more_findings: this.#more,
    };
  }

  /** The rows that an entry stands for still say what its payload says, and the payload is the one that was sealed. */
  async #values({
    entries,
    next,
    decisions,
    scores,
    payments,
    events,
    verdicts,
    erased,
  }: Page): Promise<void> {
    const endings = [];
    for (const stored of entries) {
      const opened = this.#payload(stored, erased.has(stored.id));
      if (opened === undefined) continue;
      const { index, id } = stored;
      const { decision, score, decisions: reads, digest } = opened.payload;
      if (decision && !isSameDecision(decision, decisions.get(id)))
        this.#find(
          "decision_changed",
          index,
          `the decision of entry ${index} is not the one that was sealed`,
        );
      const kept = scores.get(id);
      if (score ? !isSameScore(score, kept) : kept !== undefined)
        this.#find(
          "score_changed",
          index,
          `the score of entry ${index} is not the one that was sealed`,
        );
      else if (kept !== undefined && !isRatedSo(kept))
        this.#find(
          "score_changed",
          index,
          `the features of entry ${index} do not give the score that was sealed`,
        );
      if (!isSameSubject(opened.payload, opened.entry.time, payments.get(id)))
        this.#find(
          "subject_changed",
          index,
          `the payment of entry ${index} is not the one that was sealed`,
        );
      const { entry, payload } = opened;
      const event = eventFinding(index, entry, payload, events.get(id), this.#eventsUntil_ms);
      if (event !== null) this.#find(event.kind, event.at, event.message);
      const vault = vaultFinding(index, entry, payload, verdicts.get(id));
      if (vault !== null) this.#find(vault.kind, vault.at, vault.message);
      const job = endingOf(payload);
      if (job !== undefined) endings.push({ index, time: entry.time, job });
      if (digest !== undefined) await this.#reads(index, reads!, digest);
    }
    await this.#jobs.page(endings, next);
  }

  #payload(
    { index, entry, salt, payload }: StoredEntry,
    isErased: boolean,
  ): { entry: Entry; payload: SealedPayload } | undefined {
    let sealed: Entry;
    try {
      sealed = decodeEntry(entry);
    } catch (error) {
      this.#find("entry_malformed", index, (error as Error).message);
      return undefined;
    }
    if (sealed.log !== this.#log)
      this.#find("entry_foreign", index, `entry ${index} was made for log ${sealed.log}`);
    if (salt === null || payload === null) {
      if (isErased) this.#erased++;
      else
        this.#find(
          "payload_missing",
          index,
          `the payload of entry ${index} is gone, and no entry says that it was erased`,
        );
      return undefined;
    }
    if (isErased) {
      this.#find(
        "payload_restored",
        index,
        `the payload of entry ${index} was erased, and is here again`,
      );
      return undefined;
    }
    if (payloadHash(salt, payload) === sealed.payload_hash)
      return { entry: sealed, payload: JSON.parse(payload) };
    this.#find(
      "payload_changed",
      index,
      `the payload of entry ${index} is not the one that was sealed`,
    );
    return undefined;
  }

  async #reads(index: number, ids: readonly string[], digest: string): Promise<void> {
    const rows = await recomputeTraces(this.#tx, ids);
    const unchanged = (id: string) => {
      const row = rows.get(id);
      return row !== undefined && row.stored === row.recomputed ? row.stored : "";
    };
    if (digestOf(ids.map(unchanged)) !== digest)
      this.#find(
        "reads_changed",
        index,
        `the read decisions that entry ${index} seals are not the ones that were made`,
      );
  }

  #checkpoint({ size, root, note }: Checkpoint): void {
    this.#checkpoints++;
    const signed = verifyCheckpoint(note, this.#keys);
    const computed = this.#range.root();
    if (!signed.ok) this.#find("checkpoint_forged", size, signed.message);
    else if (
      signed.size !== size ||
      signed.origin !== this.#log ||
      !equalBytes(root, computed) ||
      signed.root !== Buffer.from(computed).toString("base64")
    )
      this.#find(
        "checkpoint_mismatch",
        size,
        `the entries do not lead to the checkpoint that was signed at ${size}`,
      );
  }

  async #tile({ level, index, hashes }: Tile): Promise<void> {
    const [stored] = await readTiles(this.#tx, level, index, index + 1);
    if (stored === undefined || !equalBytes(stored.hashes, hashes))
      this.#find(
        "tile_changed",
        null,
        `tile ${level}/${index} is not made of the entries under it`,
      );
  }

  #find(kind: string, at: number | null, message: string): void {
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push({ kind, at, message });
    else this.#more++;
  }
}

/** Undefined when the hashes are not those of a log of this size. */
function rootOfHead(size: number, hashes: readonly Uint8Array[]): Uint8Array | undefined {
  try {
    return CompactRange.restore(size, hashes).root();
  } catch {
    return undefined;
  }
}
