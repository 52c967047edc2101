import type { Tx } from "#kernel/db.ts";
import type { Ledger } from "#pipeline";
import { formatReceipt, inclusionProof } from "#verifier";
import { isPending, readEntry, type StoredEntry } from "./queries.ts";
import { entryMissing, entryPending, receiptPending } from "./refusals.ts";
import { storedHashes } from "./tree.ts";
import { readPublishedFor } from "./witness/published.ts";

/** The receipt of an entry under the newest published checkpoint: c2sp.org/tlog-proof, checkable by anyone who has the log's key. */
export async function receiptOf(tx: Tx, ledger: Ledger, id: string): Promise<string> {
  const { index, entry } = await entryById(tx, id);
  const checkpoint = await readPublishedFor(tx, ledger, index);
  if (checkpoint === undefined) throw receiptPending(id, index);
  const proof = await inclusionProof(index, checkpoint.size, storedHashes(tx));
  return formatReceipt({ index, proof, entry, checkpoint: checkpoint.note });
}

/** An entry that has its place. */
export async function entryById(tx: Tx, id: string): Promise<StoredEntry> {
  const found = await readEntry(tx, id);
  if (found !== undefined) return found;
  throw (await isPending(tx, id)) ? entryPending(id) : entryMissing(id);
}
