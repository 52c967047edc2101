import type { Tx } from "#kernel/db.ts";
import { formatReceipt, inclusionProof } from "#verifier";
import {
  type Checkpoint,
  isPending,
  type Rollover,
  readCheckpoints,
  readEntry,
  readNewestCheckpoint,
  type StoredEntry,
} from "./queries.ts";
import { entryMissing, entryPending, receiptPending } from "./refusals.ts";
import { storedHashes } from "./tree.ts";

/** The receipt of an entry under the newest checkpoint: c2sp.org/tlog-proof, checkable by anyone who has the log's key. */
export async function receiptOf(tx: Tx, id: string): Promise<string> {
  const found = await entryById(tx, id);
  const checkpoint = await readNewestCheckpoint(tx);
  if (checkpoint === undefined || checkpoint.size <= found.index)
    throw receiptPending(id, found.index);
  return receiptUnder(tx, found, checkpoint);
}

/** The receipt by which a log's key names the next one: under the first checkpoint that covers the entry. Null until there is one. */
export async function endorsementOf(tx: Tx, { entryId }: Rollover): Promise<string | null> {
  const found = await readEntry(tx, entryId);
  if (found === undefined) return null;
  const sizes = { above: found.index, upTo: Number.MAX_SAFE_INTEGER };
  const [checkpoint] = await readCheckpoints(tx, sizes, 1);
  return checkpoint === undefined ? null : receiptUnder(tx, found, checkpoint);
}

async function receiptUnder(
  tx: Tx,
  { index, entry }: StoredEntry,
  { size, note }: Checkpoint,
): Promise<string> {
  const proof = await inclusionProof(index, size, storedHashes(tx));
  return formatReceipt({ index, proof, entry, checkpoint: note });
}

/** An entry that has its place. */
export async function entryById(tx: Tx, id: string): Promise<StoredEntry> {
  const found = await readEntry(tx, id);
  if (found !== undefined) return found;
  throw (await isPending(tx, id)) ? entryPending(id) : entryMissing(id);
}
