import type { Tx } from "#kernel/db.ts";
import {
  decodeEntry,
  equalBytes,
  leafHash,
  payloadHash,
  splitTile,
  TILE_WIDTH,
  utf8,
} from "#verifier";
import { readErasures } from "../erase/queries.ts";
import { readTiles } from "../queries.ts";
import { type Returning, readArchivedIds } from "./queries.ts";
import { archiveChanged, outsideArchive } from "./refusals.ts";

export interface Given {
  readonly index: number;
  readonly id: string;
  readonly entry: string;
  readonly salt: string | null;
  readonly payload: string | null;
}

/**
 * Entries that may go back where they were: each is the one that the log's tile has a hash of, with its own id and its own payload. What
 * was erased comes without.
 */
export async function checkReturning(
  tx: Tx,
  { first, past }: { first: number; past: number },
  given: readonly Given[],
): Promise<Returning[]> {
  const outside = given.find(({ index }) => index < first || index >= past);
  if (outside !== undefined) throw outsideArchive(outside.index, { first, past });
  const [leaves, ids, erasures] = await Promise.all([
    leavesOf(tx, given),
    readArchivedIds(
      tx,
      given.map(({ index }) => index),
    ),
    readErasures(
      tx,
      given.map(({ id }) => id),
    ),
  ]);
  const erased = new Set(erasures.map(({ id }) => id));
  return given.flatMap(({ index, id, entry: text, salt, payload }) => {
    const entry = Buffer.from(utf8(text));
    const leaf = leaves.get(index);
    if (leaf === undefined || !equalBytes(leafHash(entry), leaf))
      throw archiveChanged(index, "the entry is not the one of the log");
    const own = ids.get(index);
    // It never went: the log's keys are followed by it.
    if (own === undefined) return [];
    if (own !== id) throw archiveChanged(index, "its id is another");
    if (erased.has(id)) return { index, id, entry, salt: null, payload: null };
    if (salt === null || payload === null || !opens(text, salt, payload))
      throw archiveChanged(index, "its payload is not the one that was sealed");
    return { index, id, entry, salt: Buffer.from(salt, "base64"), payload };
  });
}

function opens(entry: string, salt: string, payload: string): boolean {
  const bytes = Buffer.from(salt, "base64");
  return bytes.length === 32 && payloadHash(bytes, payload) === decodeEntry(entry).payload_hash;
}

/** Hashes of the entries as the tiles have them. */
async function leavesOf(tx: Tx, given: readonly Given[]): Promise<ReadonlyMap<number, Uint8Array>> {
  const tiles = new Set(given.map(({ index }) => Math.floor(index / TILE_WIDTH)));
  const leaves = new Map<number, Uint8Array>();
  for (const tile of tiles) {
    const [stored] = await readTiles(tx, 0, tile, tile + 1);
    for (const [i, hash] of splitTile(stored?.hashes ?? new Uint8Array()).entries())
      leaves.set(tile * TILE_WIDTH + i, hash);
  }
  return leaves;
}
