import { recomputeTraces } from "#domains/authz";
import { type RETAINED_TABLES, readFinishedJobIds, readRetainedUntil } from "#domains/ops";
import { readRegistryCalls } from "#domains/registries";
import { readPaymentIds, readScoreIds } from "#domains/risk";
import { readEventIds, readSealedCalls } from "#domains/telemetry";
import { readVerdictCalls } from "#domains/vault";
import type { Tx } from "#kernel/db.ts";
import { digestOf } from "#pipeline";
import {
  CompactRange,
  decodeEntry,
  type Entry,
  equalBytes,
  keyLabel,
  leafHash,
  parseJson,
  payloadHash,
  TileBuilder,
  type TileBytes,
  tileRoot,
  toHex,
  verifyCheckpoint,
} from "#verifier";
import {
  type Checkpoint,
  type Head,
  isUnsealed,
  isUnsealedJob,
  readCheckpoints,
  readLost,
  readTiles,
  type StoredEntry,
} from "./queries.ts";
import { readSealedHeads, type SealedHead } from "./root/queries.ts";
import { entryOf } from "./search/attributes.ts";
import { type Believed, IndexAudit } from "./search/verify-index.ts";
import { readTileBuilder } from "./tree.ts";
import type { SealedPayload } from "./values.ts";
import { type Finding, type Report } from "./verify.ts";
import { type ArchivedPage, archiveFindings } from "./verify-archive.ts";
import { BesideAudit } from "./verify-beside.ts";
import { endingOf, JobAudit } from "./verify-jobs.ts";
import { isReplaced } from "./verify-keys.ts";
import { beginning, type Known, rootOfNote, treeAt } from "./verify-known.ts";
import type { Page } from "./verify-pages.ts";
import { valueFindings } from "./verify-values.ts";
import { type Cosignature, readCosignatures } from "./witness/queries.ts";

const ALL = Number.MAX_SAFE_INTEGER;
const FINDINGS_MAX = 20;

/** One verification under way: the tree as it grows, and what was found. */
export class Audit {
  readonly #tx: Tx;
  readonly #log: string;
  readonly #known: Known;
  readonly #range: CompactRange;
  readonly #tiles: TileBuilder;
  readonly #findings: Finding[] = [];
  readonly #jobs: JobAudit;
  /** What leads to entries. */
  readonly #index: IndexAudit;
  readonly #beside: BesideAudit;
  readonly #eventsUntil_ms: number;
  #more = 0;
  #erased = 0;
  #checkpoints = 0;
  #cosignatures = 0;
  #heads = 0;

  private constructor(
    tx: Tx,
    log: string,
    known: Known,
    {
      range,
      tiles,
      index,
      retainedUntil,
    }: {
      range: CompactRange;
      tiles: TileBuilder;
      index: IndexAudit;
      retainedUntil: ReadonlyMap<string, number>;
    },
  ) {
    this.#tx = tx;
    this.#index = index;
    this.#log = log;
    this.#known = known;
    this.#beside = new BesideAudit(tx, known.isWhole);
    this.#range = range;
    this.#tiles = tiles;
    const until_ms = (table: (typeof RETAINED_TABLES)[number]) =>
      retainedUntil.get(table) ?? Number.NEGATIVE_INFINITY;
    this.#eventsUntil_ms = until_ms("telemetry.security_events");
    this.#jobs = new JobAudit(tx, until_ms("ops.outbox"), (finding) => this.#add(finding));
  }

  /** Goes on from what was verified before, when the log still begins with it. */
  static async open(tx: Tx, log: string, known: Known): Promise<Audit> {
    const { since, minimum } = known;
    const begun = await beginning(tx, known);
    // What is in archives meanwhile is passed over, too.
    const size = since.size === 0 ? 0 : Math.max(since.size, minimum);
    const audit = new Audit(tx, log, known, {
      range: size === since.size ? begun.range : await treeAt(tx, size),
      tiles: size === 0 ? new TileBuilder() : await readTileBuilder(tx, size),
      index: await IndexAudit.open(tx, Math.max(size, minimum)),
      retainedUntil: await readRetainedUntil(tx),
    });
    if (begun.finding !== undefined) audit.#add(begun.finding);
    await audit.#begin(begun.range);
    return audit;
  }

  /** What was signed and sealed at exactly the size where this begins, also of an empty log; it was counted before. */
  async #begin(range: CompactRange): Promise<void> {
    const sizes = { above: range.size - 1, upTo: range.size };
    const [checkpoints, heads, cosignatures] = await Promise.all([
      readCheckpoints(this.#tx, sizes, 1),
      readSealedHeads(this.#tx, sizes, 1),
      readCosignatures(this.#tx, [range.size]),
    ]);
    for (const checkpoint of checkpoints) this.#checkpoint(checkpoint, cosignatures, range);
    for (const head of heads) this.#head(head, range);
    [this.#checkpoints, this.#cosignatures, this.#heads] = [0, 0, 0];
  }

  /** Whoever put another public half there can sign every checkpoint anew. */
  keyExchanged(number: number): void {
    const message = `the stored public half of the log's key ${number} is not that of its private half`;
    this.#find("key_exchanged", null, message);
  }

  async page(page: Page): Promise<void> {
    await this.#values(page);
    const { from, entries } = page;
    const checkpoints = new Map(page.checkpoints.map((row) => [row.size, row]));
    const heads = new Map(page.heads.map((head) => [head.size, head]));
    for (const [place, { index, entry }] of entries.entries()) {
      if (index !== from + place) {
        this.#add({
          kind: "entry_missing",
          at: from + place,
          message: `entry ${from + place} is not there`,
          expected: String(from + place),
          found: String(index),
        });
        return;
      }
      this.#range.append(leafHash(entry), (level, node, hash) =>
        this.#tiles.add(level, node, hash),
      );
      const checkpoint = checkpoints.get(index + 1);
      if (checkpoint !== undefined) this.#checkpoint(checkpoint, page.cosignatures);
      const head = heads.get(index + 1);
      if (head !== undefined) this.#head(head);
    }
    await Promise.all(this.#tiles.takeFull().map((tile) => this.#tile(tile)));
  }

  /** The end of what was asked for, and not of the log. */
  async pause(at: number): Promise<void> {
    if (this.#range.size < at)
      this.#find("entry_missing", this.#range.size, `entry ${this.#range.size} is not there`);
    await this.#jobs.settle(this.#range.size);
    this.#keys();
    for (const finding of this.#beside.findings) this.#add(finding);
    this.#indexed();
  }

  /** The index of a log that does not hold would not fit either. */
  #indexed(): void {
    if (this.#findings.length > 0) return;
    for (const finding of this.#index.findings) this.#add(finding);
  }

  #keys(): void {
    for (const finding of this.#known.keyAudit.finish()) this.#add(finding);
  }

  /** Entries that are in archives, by their hashes: these lead to the tiles above them, and to the checkpoints, as entries would. */
  async archived({ leaves, next, checkpoints }: ArchivedPage): Promise<void> {
    const signed = new Map(checkpoints.map((row) => [row.size, row]));
    for (const leaf of leaves) {
      this.#range.append(leaf, (level, node, hash) => this.#tiles.add(level, node, hash));
      const checkpoint = signed.get(this.#range.size);
      if (checkpoint !== undefined) this.#checkpoint(checkpoint, []);
    }
    if (this.#range.size !== next)
      this.#find("tile_missing", next, `tiles of archived entries below ${next} are not there`);
    const above = this.#tiles.takeFull().filter(({ level }) => level > 0);
    await Promise.all(above.map((tile) => this.#tile(tile)));
  }

  async finish(
    { size, hashes }: Head,
    newest: Checkpoint | undefined,
    witnessed: number,
  ): Promise<void> {
    const counted = this.#range.size;
    // What witnesses cosigned was published: its checkpoint cannot be gone by itself.
    if (witnessed > (newest?.size ?? 0))
      this.#find(
        "checkpoint_missing",
        witnessed,
        `the checkpoint that was cosigned at ${witnessed} is gone`,
      );
    const root = rootOfHead(size, hashes);
    if (counted !== size)
      this.#add({
        kind: "head_mismatch",
        at: size,
        message: `the head says ${size} entries; ${counted} are there in order`,
        expected: String(size),
        found: String(counted),
      });
    else if (root === undefined || !equalBytes(root, this.#range.root()))
      this.#add({
        kind: "head_mismatch",
        at: size,
        message: "the head's root is not that of the entries",
        expected: root && toHex(root),
        found: toHex(this.#range.root()),
      });
    if (newest !== undefined && newest.size > counted)
      this.#add({
        kind: "truncated",
        at: newest.size,
        message: `a checkpoint was signed at ${newest.size}; ${counted} entries are left`,
        expected: String(newest.size),
        found: String(counted),
      });
    for (const head of await readSealedHeads(this.#tx, { above: counted, upTo: ALL }, 1))
      this.#add({
        kind: "truncated",
        at: head.size,
        message: `the root log sealed a head of ${head.size} entries; ${counted} are left`,
        expected: String(head.size),
        found: String(counted),
      });
    for (const id of await readLost(this.#tx, FINDINGS_MAX + 1))
      this.#find(
        "entry_lost",
        null,
        `entry ${id} was durable; it is not in the log and does not wait for a place`,
      );
    await this.#jobs.settle(counted);
    for (const { kind, at, message } of await archiveFindings(this.#tx))
      this.#find(kind, at, message);
    this.#keys();
    await this.#unsealed();
    for (const finding of await this.#beside.finish(size)) this.#add(finding);
    if (this.#known.isWhole) await this.#index.finish();
    this.#indexed();
  }

  /** Rows that no entry stands for: somebody put them there beside the log. */
  async #unsealed(): Promise<void> {
    const limit = FINDINGS_MAX + 1;
    const [calls, payments, scores, events, jobs, verdicts, registries] = await Promise.all([
      readSealedCalls(this.#tx, isUnsealed, limit),
      readPaymentIds(this.#tx, isUnsealed, limit),
      readScoreIds(this.#tx, isUnsealed, limit),
      readEventIds(this.#tx, isUnsealed, limit),
      readFinishedJobIds(this.#tx, isUnsealedJob, limit),
      readVerdictCalls(this.#tx, isUnsealed, limit),
      readRegistryCalls(this.#tx, isUnsealed, limit),
    ]);
    const rows = {
      call: calls,
      payment: payments,
      score: scores,
      event: events,
      job: jobs,
      "what the vault has of": verdicts,
      "what the registries have of": registries,
    };
    for (const [what, ids] of Object.entries(rows))
      for (const id of ids)
        this.#find("row_unsealed", null, `${what} ${id} is stored, and no entry was made for it`);
  }

  report(complete: boolean): Report {
    const since = this.#known.since.size;
    const placed = this.#findings.filter(({ at }) => at !== null);
    return {
      valid: this.#findings.length === 0,
      log: this.#log,
      complete,
      since,
      size: this.#range.size,
      entries: this.#range.size - since,
      minimum: this.#known.minimum,
      checkpoints: this.#checkpoints,
      erased: this.#erased,
      cosignatures: this.#cosignatures,
      sealed_heads: this.#heads,
      first: placed.sort((a, b) => a.at! - b.at!)[0] ?? this.#findings[0] ?? null,
      root: toHex(this.#range.root()),
      findings: this.#findings,
      more_findings: this.#more,
    };
  }

  /** The rows that an entry stands for still say what its payload says, and the payload is the one that was sealed. */
  async #values(page: Page): Promise<void> {
    const endings = [];
    const believed: Believed[] = [];
    for (const stored of page.entries) {
      const { index, id } = stored;
      const opened = this.#payload(stored, page.erased.has(id));
      const readable = opened?.entry ?? entryOf(stored.entry);
      believed.push({ index, entry: readable, payload: opened?.payload ?? null });
      if (readable !== undefined) this.#known.keyAudit.entry(id, index, readable);
      if (opened === undefined) continue;
      for (const finding of valueFindings(stored, opened, page, this.#eventsUntil_ms))
        this.#add(finding);
      const { entry, payload } = opened;
      const job = endingOf(payload);
      if (job !== undefined) endings.push({ index, time: entry.time, job });
      const { decisions: reads, digest } = payload;
      if (digest !== undefined) await this.#reads(index, reads!, digest);
    }
    await this.#jobs.page(endings, page.next);
    await this.#index.page(believed);
    await this.#beside.page(page);
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
    const found = payloadHash(salt, payload);
    if (found === sealed.payload_hash) return { entry: sealed, payload: parseJson(payload) };
    this.#add({
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
      this.#find(
        "reads_changed",
        index,
        `the read decisions that entry ${index} seals are not the ones that were made`,
      );
  }

  #checkpoint(
    { size, root, note }: Checkpoint,
    all: readonly Cosignature[],
    range = this.#range,
  ): void {
    this.#checkpoints++;
    const { keys } = this.#known;
    const signed = verifyCheckpoint(note, keys);
    const computed = Buffer.from(range.root()).toString("base64");
    if (!signed.ok) {
      this.#find("checkpoint_forged", size, signed.message);
      return;
    }
    if (
      signed.size !== size ||
      signed.origin !== this.#log ||
      root.toString("base64") !== computed ||
      signed.root !== computed
    )
      this.#add({
        kind: "checkpoint_mismatch",
        at: size,
        message: `the entries do not lead to the checkpoint that was signed at ${size}`,
        expected: signed.root,
        found: computed,
      });
    if (isReplaced(signed.keys, size, this.#known.keyAudit.rollovers))
      this.#find(
        "checkpoint_forged",
        size,
        `the checkpoint at ${size} was signed by a key that the log had replaced before`,
      );
    for (const cosignature of all)
      if (cosignature.size === size) this.#cosignature(note, cosignature);
  }

  #cosignature(note: string, { size, key, line }: Cosignature): void {
    const { keys, cosigners } = this.#known;
    const cosigner = cosigners.find((verifier) => keyLabel(verifier) === key);
    if (cosigner === undefined) return;
    const signed = verifyCheckpoint(`${note}${line}`, [...keys, cosigner]);
    if (signed.ok && signed.keys.includes(key)) this.#cosignatures++;
    else
      this.#find(
        "cosignature_forged",
        size,
        `the cosignature of ${key} at ${size} is not the witness's`,
      );
  }

  /** What the root log sealed of this log is what its entries lead to. */
  #head({ size, payload }: SealedHead, range = this.#range): void {
    // The verification of the root log tells that its payload is gone.
    if (payload === null) return;
    const sealed = rootOfNote(payload);
    const computed = Buffer.from(range.root()).toString("base64");
    if (sealed === computed) this.#heads++;
    else
      this.#add({
        kind: "root_mismatch",
        at: size,
        message: `the root log sealed another head of ${size} entries`,
        expected: sealed,
        found: computed,
      });
  }

  async #tile({ level, index, hashes }: TileBytes): Promise<void> {
    const [stored] = await readTiles(this.#tx, level, index, index + 1);
    if (
      stored === undefined ||
      !equalBytes(stored.hashes, hashes) ||
      !equalBytes(stored.root, tileRoot(hashes))
    )
      this.#find(
        "tile_changed",
        null,
        `tile ${level}/${index} is not made of the entries under it`,
      );
  }

  #find(kind: string, at: number | null, message: string): void {
    this.#add({ kind, at, message });
  }

  #add(finding: Finding): void {
    // Without what nobody knows: JSON has no word for it.
    const { expected, found, ...told } = finding;
    const known = { ...told, ...(expected && { expected }), ...(found && { found }) };
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(known);
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
