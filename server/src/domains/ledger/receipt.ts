import type { Tx } from "#kernel/db.ts";
import type { Ledger } from "#pipeline";
import { formatReceipt, inclusionProof } from "#verifier";
import { readArchivedPlace } from "./archive/queries.ts";
import type { Rollover } from "./keys/queries.ts";
import {
  type Checkpoint,
  isPending,
  readCheckpoints,
  readEntry,
  type StoredEntry,
} from "./queries.ts";
import { entryArchived, entryMissing, entryPending, receiptPending } from "./refusals.ts";
import { storedHashes } from "./tree.ts";
import { readPublished, readPublishedFor } from "./witness/published.ts";

/** The receipt of an entry under the newest published checkpoint: c2sp.org/tlog-proof, checkable by anyone who has the log's key. */
export async function receiptOf(tx: Tx, ledger: Ledger, id: string): Promise<string> {
  const found = await entryById(tx, id);
  const checkpoint = await readPublishedFor(tx, ledger, found.index);
  if (checkpoint === undefined) throw receiptPending(id, found.index);
  return receiptUnder(tx, found, checkpoint);
}

/**
 * The receipt by which a log's key names the next one: under the first checkpoint that covers the entry, which both keys
 * signed. Null until one is published.
 */
export async function endorsementOf(
  tx: Tx,
  ledger: Ledger,
  { entryId }: Rollover,
): Promise<string | null> {
  const found = await readEntry(tx, entryId);
  const published = await readPublished(tx, ledger);
  if (found === undefined || published === undefined) return null;
  const sizes = { above: found.index, upTo: published.size };
  const [checkpoint] = await readCheckpoints(tx, sizes, 1);
  return checkpoint === undefined ? null : receiptUnder(tx, found, checkpoint);
}

async function receiptUnder(
  tx: Tx,
  { index, entry }: StoredEntry,
  { size, note }: Checkpoint,
): Promise<string> {
  const proof = await inclusionProof(index, size, storedHashes(tx, size));
  return formatReceipt({ index, proof, entry, checkpoint: note });
}

/** An entry that has its place. */
export async function entryById(tx: Tx, id: string): Promise<StoredEntry> {
  const found = await readEntry(tx, id);
  if (found !== undefined) return found;
  if (await isPending(tx, id)) throw entryPending(id);
  const archived = await readArchivedPlace(tx, id);
  throw archived === undefined ? entryMissing(id) : entryArchived(id, archived);
}
