import { ensureSecondKey, logVerifierKeys, openSecondSigners } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import {
  CompactRange,
  equalBytes,
  rangePlan,
  rootAt,
  signCheckpoint,
  type TileBuilder,
  verifyCheckpoint,
} from "#verifier";
import { type LogSigners, openLogSigners } from "./keys/signers.ts";
import {
  type Checkpoint,
  type Head,
  insertCheckpoint,
  moveHead,
  placePending,
  readHead,
  readNewestCheckpoint,
} from "./queries.ts";
import { forked, headMoved, restored } from "./refusals.ts";
import { readNewestSealedHead } from "./root/queries.ts";
import { readTileBuilder, storedHashes } from "./tree.ts";
import { rootOfNote } from "./verify/known.ts";

export const BATCH_MAX = 1_024;
const HASH_BYTES = 32;
/** Of a long queue each batch begins where the one before ended, past what that left dead in the index; after so many, at its front again. */
const BATCHES_ON_END = 16;

/** A log as its sequencer holds it in memory, from one committed batch to the next. Any failure throws it away. */
export class LogState {
  readonly tenantId: string;
  readonly origin: string;
  readonly #keys: LogSigners;
  readonly #range: CompactRange;
  readonly #tiles: TileBuilder;
  #after: string | undefined;
  #batches = 0;

  private constructor(
    tenantId: string,
    origin: string,
    keys: LogSigners,
    range: CompactRange,
    tiles: TileBuilder,
  ) {
    this.tenantId = tenantId;
    this.origin = origin;
    this.#keys = keys;
    this.#range = range;
    this.#tiles = tiles;
  }

  get size(): number {
    return this.#range.size;
  }

  /** Whether an older key signs, too: to be loaded again after the next checkpoint. */
  get endorsing(): boolean {
    return this.#keys.endorsing;
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
    const tiles = await readTileBuilder(tx, size);
    if (!(await isMadeOf(range, storedHashes(tx, size)))) throw forked(origin, size);
    await compareWithRoot(tx, head);
    const keys = await openLogSigners(tx, masterKey, origin);
    if (secondKeys === true) await ensureSecondKey(tx, masterKey, tenantId, origin);
    const second = secondKeys === false ? [] : await openSecondSigners(tx, masterKey, origin);
    return new LogState(
      tenantId,
      origin,
      { ...keys, signers: [...keys.signers, ...second] },
      range,
      tiles,
    );
  }

  /**
   * Gives places to the oldest entries without one; their ids, and whether there may be more. Undefined while another
   * sequencer has the log. The commit waits for the disk when `signs` says, of that, that a checkpoint is signed next.
   */
  async place(
    tx: Tx,
    signs: (more: boolean) => boolean,
  ): Promise<{ readonly ids: readonly string[]; readonly more: boolean } | undefined> {
    const after = this.#after;
    const placed = await placePending(tx, this.tenantId, this.size, { after, limit: BATCH_MAX });
    const { size, ids, leaves } = placed;
    if (size === undefined) return undefined;
    if (size !== this.size) throw headMoved(this.origin, this.size, size);
    const full = ids.length === BATCH_MAX;
    this.#after = full && ++this.#batches % BATCHES_ON_END !== 0 ? ids.at(-1) : undefined;
    const more = full || after !== undefined;
    if (ids.length === 0) return { ids, more };
    const roots = new Map<string, Uint8Array>();
    for (let at = 0; at < leaves.length; at += HASH_BYTES)
      this.#range.append(leaves.subarray(at, at + HASH_BYTES), (level, index, hash) => {
        this.#tiles.add(level, index, hash);
        // A node of every eighth level is the root of the tile below it, which it completes.
        if (level > 0 && level % 8 === 0) roots.set(`${level / 8 - 1}/${index}`, hash);
      });
    const moved = await moveHead(tx, this.tenantId, {
      size,
      grown: this.size,
      tiles: this.#tiles.takeFull().map((tile) => ({
        ...tile,
        root: roots.get(`${tile.level}/${tile.index}`)!,
      })),
      hashes: this.#range.hashes,
      durable: signs(more),
    });
    if (!moved) throw headMoved(this.origin, size, -1);
    return { ids, more };
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
      this.#keys.signers,
    );
    const { key } = this.#keys;
    if (await insertCheckpoint(tx, this.tenantId, { size: this.size, root, note, key })) return;
    // Another server published meanwhile; or the log has a newer key, or is not the one that was published.
    const { head: now, newest } = await readConsistent(tx, this.tenantId);
    if (now.size !== this.size || (newest?.size ?? 0) < this.size)
      throw headMoved(this.origin, this.size, now.size);
  }
}

/** Whether the compact range is the one that the stored tiles and entries give: each of its hashes is a node of the tree. */
async function isMadeOf(
  { size, hashes }: CompactRange,
  hashAt: ReturnType<typeof storedHashes>,
): Promise<boolean> {
  const nodes = rangePlan(0, size).map(({ level, index }) => hashAt(level, index));
  const derived = await Promise.all(nodes);
  return derived.every((hash, i) => equalBytes(hash, hashes[i]!));
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
): Promise<{ head: Head; range: CompactRange; newest: Checkpoint | undefined }> {
  const newest = await readNewestCheckpoint(tx);
  const head = await readHead(tx);
  if (head === undefined) throw new Error(`project ${tenantId} has no log`);
  const range = restore(head);
  if (newest !== undefined) await compare(tx, head, range, newest);
  return { head, range, newest };
}

/** The root log remembers what this log was, even where its own checkpoints are gone. */
async function compareWithRoot(tx: Tx, { origin, size }: Head): Promise<void> {
  const sealed = await readNewestSealedHead(tx);
  if (sealed === undefined) return;
  if (sealed.size > size) throw restored(origin, sealed.size, size);
  const root = await rootAt(sealed.size, storedHashes(tx, sealed.size));
  const remembered = rootOfNote(sealed.payload);
  if (remembered !== "" && remembered !== Buffer.from(root).toString("base64"))
    throw forked(origin, sealed.size);
}

async function compare(
  tx: Tx,
  { origin }: Head,
  range: CompactRange,
  newest: Checkpoint,
): Promise<void> {
  if (newest.size > range.size) throw restored(origin, newest.size, range.size);
  const root =
    newest.size === range.size
      ? range.root()
      : await rootAt(newest.size, storedHashes(tx, newest.size));
  const signed = verifyCheckpoint(newest.note, await logVerifierKeys(tx, origin));
  if (
    !equalBytes(root, newest.root) ||
    !signed.ok ||
    signed.root !== Buffer.from(root).toString("base64")
  )
    throw forked(origin, newest.size);
}
