import type { Tx } from "#kernel/db.ts";
import { fromHex, toHex, V1_EMPTY_HEAD, V1Chain, type V1Head, V1Range } from "#verifier";
import { lockHead as lock, readHead, type StoredHead } from "./queries.ts";

export const bytesOf = (hash: string): Buffer => Buffer.from(fromHex(hash)!);

const EMPTY = {
  entryHash: bytesOf(V1_EMPTY_HEAD.entry_hash),
  merkleRoot: bytesOf(V1_EMPTY_HEAD.merkle_root),
};

export const lockHead = (tx: Tx, tenantId: string): Promise<StoredHead> =>
  lock(tx, tenantId, EMPTY);

const headOf = ({ sequence, entryHash, merkleRoot }: StoredHead): V1Head => ({
  sequence,
  entry_hash: toHex(entryHash),
  merkle_root: toHex(merkleRoot),
});

/** What the vault says that it ends with; a project that has sealed nothing ends where every ledger begins. */
export async function readV1Head(tx: Tx): Promise<V1Head> {
  const head = await readHead(tx);
  return head === undefined ? V1_EMPTY_HEAD : headOf(head);
}

/** The chain, to go on with. */
export const chainOf = (head: StoredHead): V1Chain =>
  new V1Chain(headOf(head), new V1Range(head.size, head.subtrees.map(toHex)));

/** The head that the chain has come to. */
export const headAfter = (
  { head, range }: V1Chain,
  importUntil: number | null = null,
): StoredHead => ({
  sequence: head.sequence,
  size: range.size,
  entryHash: bytesOf(head.entry_hash),
  merkleRoot: bytesOf(head.merkle_root),
  subtrees: range.hashes.map(bytesOf),
  importUntil,
});
