import {
  ensureSecondKey,
  logVerifierKeys,
  openLogSigner,
  openSecondSigners,
} from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import {
  CompactRange,
  equalBytes,
  leafHash,
  rootAt,
  type Signer,
  signCheckpoint,
  type TileBuilder,
  verifyCheckpoint,
} from "#verifier";
import {
  type Checkpoint,
  type Head,
  insertCheckpoint,
  lockHead,
  type Pending,
  readHead,
  readNewestCheckpoint,
  takePending,
  writeBatch,
} from "./queries.ts";
import { forked, headMoved, restored } from "./refusals.ts";
import { readTileBuilder, storedHashes } from "./tree.ts";

export const BATCH_MAX = 1_024;

/** A log as its sequencer holds it in memory, from one committed batch to the next. Any failure throws it away. */
export class LogState {
  readonly tenantId: string;
  readonly origin: string;
  readonly #signers: readonly Signer[];
  readonly #range: CompactRange;
  readonly #tiles: TileBuilder;

  private constructor(
    tenantId: string,
    origin: string,
    signers: readonly Signer[],
    range: CompactRange,
    tiles: TileBuilder,
  ) {
    this.tenantId = tenantId;
    this.origin = origin;
    this.#signers = signers;
    this.#range = range;
    this.#tiles = tiles;
  }

  get size(): number {
    return this.#range.size;
  }

  /**
   * Reads a log to extend it. Refuses when what was published does not fit what is stored: then this database is an
   * older copy, or was changed, and signing its head would fork the log.
   */
  static async load(
    tx: Tx,
    tenantId: string,
    { masterKey, secondKeys }: { masterKey: Uint8Array; secondKeys: boolean | undefined },
  ): Promise<LogState> {
    const { head, range } = await readConsistent(tx, tenantId);
    const { origin, size } = head;
    const signers = [await openLogSigner(tx, masterKey, origin)];
    if (secondKeys === true) await ensureSecondKey(tx, masterKey, tenantId, origin);
    if (secondKeys !== false) signers.push(...(await openSecondSigners(tx, masterKey, origin)));
    return new LogState(tenantId, origin, signers, range, await readTileBuilder(tx, size));
  }

  /** Gives places to the oldest entries without one. Undefined while another sequencer has the log. */
  async place(tx: Tx): Promise<readonly Pending[] | undefined> {
    const size = await lockHead(tx, this.tenantId);
    if (size === undefined) return undefined;
    if (size !== this.size) throw headMoved(this.origin, this.size, size);
    const entries = await takePending(tx, this.tenantId, BATCH_MAX);
    if (entries.length === 0) return entries;
    for (const { entry } of entries) {
      this.#range.append(leafHash(entry), (level, index, hash) =>
        this.#tiles.add(level, index, hash),
      );
    }
    const batch = { size, entries, tiles: this.#tiles.takeFull(), hashes: this.#range.hashes };
    if (!(await writeBatch(tx, this.tenantId, batch))) throw headMoved(this.origin, size, -1);
    return entries;
  }

  /** Signs the head as committed, and stores it. A transaction after that of the batches: never signed above what is on disk. */
  async publish(tx: Tx): Promise<void> {
    const head = await readHead(tx);
    const range = CompactRange.restore(head!.size, head!.hashes);
    const root = this.#range.root();
    if (range.size !== this.size || !equalBytes(range.root(), root))
      throw headMoved(this.origin, this.size, range.size);
    const note = await signCheckpoint(
      { origin: this.origin, size: this.size, root },
      this.#signers,
    );
    if (await insertCheckpoint(tx, this.tenantId, { size: this.size, root, note })) return;
    // Another server published meanwhile; or the log is not the one that was published.
    const { head: now } = await readConsistent(tx, this.tenantId);
    if (now.size !== this.size) throw headMoved(this.origin, this.size, now.size);
  }
}

function restore({ origin, size, hashes }: Head): CompactRange {
  try {
    return CompactRange.restore(size, hashes);
  } catch {
    throw forked(origin, size); // hashes of another size: somebody changed the head
  }
}

/**
 * The head, compared with the newest checkpoint. The checkpoint is read first: another server may publish between the two, and
 * then the head is further on, never behind what was published.
 */
async function readConsistent(
  tx: Tx,
  tenantId: string,
): Promise<{ head: Head; range: CompactRange }> {
  const newest = await readNewestCheckpoint(tx);
  const head = await readHead(tx);
  if (head === undefined) throw new Error(`project ${tenantId} has no log`);
  const range = restore(head);
  if (newest !== undefined) await compare(tx, head, range, newest);
  return { head, range };
}

async function compare(
  tx: Tx,
  { origin }: Head,
  range: CompactRange,
  newest: Checkpoint,
): Promise<void> {
  if (newest.size > range.size) throw restored(origin, newest.size, range.size);
  const root =
    newest.size === range.size ? range.root() : await rootAt(newest.size, storedHashes(tx));
  const signed = verifyCheckpoint(newest.note, await logVerifierKeys(tx, origin));
  if (
    !equalBytes(root, newest.root) ||
    !signed.ok ||
    signed.root !== Buffer.from(root).toString("base64")
  )
    throw forked(origin, newest.size);
}
