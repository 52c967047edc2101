import { type RETAINED_TABLES, readRetainedUntil } from "#domains/ops";
import type { Tx } from "#kernel/db.ts";
import {
  type CompactRange,
  equalBytes,
  leafHash,
  TileBuilder,
  type TileBytes,
  tileRoot,
  toHex,
} from "#verifier";
import { type Checkpoint, type Head, readCheckpoints, readTiles } from "../queries.ts";
import { readSealedHeads } from "../root/queries.ts";
import { readTileBuilder } from "../tree.ts";
import { readCosignatures } from "../witness/queries.ts";
import { type ArchivedPage, archiveFindings } from "./archive.ts";
import { BesideAudit } from "./beside.ts";
import { Findings } from "./findings.ts";
import { JobAudit } from "./jobs.ts";
import { beginning, type Known, treeAt } from "./known.ts";
import type { Page } from "./pages.ts";
import { PayloadAudit } from "./payloads.ts";
import type { Report } from "./report.ts";
import { IndexAudit } from "./search-index.ts";
import { SignedAudit } from "./signed.ts";
import { findLost, findUnsealed } from "./unsealed.ts";

const ALL = Number.MAX_SAFE_INTEGER;

/** The tree where a verification begins, and what was read to go on from there. */
interface Begun {
  readonly range: CompactRange;
  readonly tiles: TileBuilder;
  /** What leads to entries. */
  readonly index: IndexAudit;
  readonly retainedUntil: ReadonlyMap<string, number>;
}

/** One verification under way: the tree as it grows, and what those who look at its parts have found. */
export class Audit {
  readonly #tx: Tx;
  readonly #log: string;
  readonly #known: Known;
  readonly #range: CompactRange;
  readonly #tiles: TileBuilder;
  readonly #findings = new Findings();
  readonly #signed: SignedAudit;
  readonly #payloads: PayloadAudit;
  readonly #jobs: JobAudit;
  readonly #index: IndexAudit;
  readonly #beside: BesideAudit;

  private constructor(
    tx: Tx,
    log: string,
    known: Known,
    { range, tiles, index, retainedUntil }: Begun,
  ) {
    this.#tx = tx;
    this.#log = log;
    this.#known = known;
    this.#range = range;
    this.#tiles = tiles;
    this.#index = index;
    this.#beside = new BesideAudit(tx, known.isWhole);
    this.#signed = new SignedAudit(log, known, this.#findings);
    const until_ms = (table: (typeof RETAINED_TABLES)[number]) =>
      retainedUntil.get(table) ?? Number.NEGATIVE_INFINITY;
    const eventsUntil_ms = until_ms("telemetry.security_events");
    this.#payloads = new PayloadAudit(tx, { log, eventsUntil_ms }, this.#findings);
    this.#jobs = new JobAudit(tx, until_ms("ops.outbox"), (one) => this.#findings.add(one));
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
    if (begun.finding !== undefined) audit.#findings.add(begun.finding);
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
    const before = new SignedAudit(this.#log, this.#known, this.#findings);
    for (const checkpoint of checkpoints) before.checkpoint(checkpoint, cosignatures, range);
    for (const head of heads) before.sealedHead(head, range);
  }

  /** Whoever put another public half there can sign every checkpoint anew. */
  keyExchanged(number: number): void {
    const message = `the stored public half of the log's key ${number} is not that of its private half`;
    this.#findings.find("key_exchanged", null, message);
  }

  async page(page: Page): Promise<void> {
    await this.#rows(page);
    const { from, entries } = page;
    const checkpoints = new Map(page.checkpoints.map((row) => [row.size, row]));
    const heads = new Map(page.heads.map((head) => [head.size, head]));
    for (const [place, { index, entry }] of entries.entries()) {
      if (index !== from + place) {
        this.#findings.add({
          kind: "entry_missing",
          at: from + place,
          message: `entry ${from + place} is not there`,
          expected: String(from + place),
          found: String(index),
        });
        return;
      }
      this.#append(leafHash(entry));
      const checkpoint = checkpoints.get(index + 1);
      if (checkpoint !== undefined)
        this.#signed.checkpoint(checkpoint, page.cosignatures, this.#range);
      const head = heads.get(index + 1);
      if (head !== undefined) this.#signed.sealedHead(head, this.#range);
    }
    await Promise.all(this.#tiles.takeFull().map((tile) => this.#tile(tile)));
  }

  /** Entries that are in archives, by their hashes: these lead to the tiles above them, and to the checkpoints, as entries would. */
  async archived({ leaves, next, checkpoints }: ArchivedPage): Promise<void> {
    const signed = new Map(checkpoints.map((row) => [row.size, row]));
    for (const leaf of leaves) {
      this.#append(leaf);
      const checkpoint = signed.get(this.#range.size);
      if (checkpoint !== undefined) this.#signed.checkpoint(checkpoint, [], this.#range);
    }
    if (this.#range.size !== next)
      this.#findings.find(
        "tile_missing",
        next,
        `tiles of archived entries below ${next} are not there`,
      );
    const above = this.#tiles.takeFull().filter(({ level }) => level > 0);
    await Promise.all(above.map((tile) => this.#tile(tile)));
  }

  #append(leaf: Uint8Array): void {
    this.#range.append(leaf, (level, node, hash) => this.#tiles.add(level, node, hash));
  }

  /** The rows that a page's entries stand for, and those that lead to them. */
  async #rows(page: Page): Promise<void> {
    const { believed, endings } = await this.#payloads.page(page);
    for (const { id, index, entry } of believed)
      if (entry !== undefined) this.#known.keyAudit.entry(id, index, entry);
    await this.#jobs.page(endings, page.next);
    await this.#index.page(believed);
    await this.#beside.page(page);
  }

  /** The end of what was asked for, and not of the log. */
  async pause(at: number): Promise<void> {
    const { size } = this.#range;
    if (size < at) this.#findings.find("entry_missing", size, `entry ${size} is not there`);
    await this.#jobs.settle(size);
    this.#keys();
    for (const finding of this.#beside.findings) this.#findings.add(finding);
    this.#indexed();
  }

  async finish(head: Head, newest: Checkpoint | undefined, cosigned: number): Promise<void> {
    const counted = this.#range.size;
    this.#signed.head(head, this.#range);
    const sealed = await readSealedHeads(this.#tx, { above: counted, upTo: ALL }, 1);
    this.#signed.cutOff(counted, { signed: newest?.size ?? 0, cosigned, sealed });
    await findLost(this.#tx, this.#findings);
    await this.#jobs.settle(counted);
    for (const finding of await archiveFindings(this.#tx)) this.#findings.add(finding);
    this.#keys();
    await findUnsealed(this.#tx, this.#findings);
    for (const finding of await this.#beside.finish(head.size)) this.#findings.add(finding);
    if (this.#known.isWhole) await this.#index.finish();
    this.#indexed();
  }

  #keys(): void {
    for (const finding of this.#known.keyAudit.finish()) this.#findings.add(finding);
  }

  /** The index of a log that does not hold would not fit either. */
  #indexed(): void {
    if (this.#findings.all.length > 0) return;
    for (const finding of this.#index.findings) this.#findings.add(finding);
  }

  async #tile({ level, index, hashes }: TileBytes): Promise<void> {
    const [stored] = await readTiles(this.#tx, level, index, index + 1);
    if (
      stored === undefined ||
      !equalBytes(stored.hashes, hashes) ||
      !equalBytes(stored.root, tileRoot(hashes))
    )
      this.#findings.find(
        "tile_changed",
        null,
        `tile ${level}/${index} is not made of the entries under it`,
      );
  }

  report(complete: boolean): Report {
    const { since, minimum } = this.#known;
    const { checkpoints, cosignatures, heads } = this.#signed;
    const { size } = this.#range;
    return {
      log: this.#log,
      complete,
      since: since.size,
      size,
      entries: size - since.size,
      minimum,
      checkpoints,
      erased: this.#payloads.erased,
      cosignatures,
      sealed_heads: heads,
      root: toHex(this.#range.root()),
      ...this.#findings.told,
    };
  }
}
