import type { Tx } from "#kernel/db.ts";
import {
  CompactRange,
  type HashAt,
  leafHash,
  splitTile,
  TileBuilder,
  tileWidth,
  TILE_WIDTH as WIDTH,
} from "#verifier";
import { readBytes, readTiles } from "./queries.ts";

/** The partial tiles of a log of this size, read back so that it can be extended. */
export async function readTileBuilder(tx: Tx, size: number): Promise<TileBuilder> {
  const partial: Uint8Array[][] = [];
  for (let level = 0, nodes = size; nodes > 0; level++, nodes = Math.floor(nodes / WIDTH)) {
    partial[level] = await readHashes(tx, level, nodes - (nodes % WIDTH), nodes);
  }
  return new TileBuilder(partial);
}

/**
 * Any complete node of the stored tree, from tiles where they are full and from what they were made of elsewhere. Who asks for many nodes of
 * a tree gives its size: a tile that is not full is read once then.
 */
export function storedHashes(tx: Tx, size?: number): HashAt {
  const tiles = new Map<string, Promise<Uint8Array[]>>();
  const tile = (level: number, index: number, needed: number) => {
    const key = `${level}/${index}/${needed}`;
    let hashes = tiles.get(key);
    if (hashes === undefined) {
      hashes = readTile(tx, level, index, needed);
      tiles.set(key, hashes);
    }
    return hashes;
  };
  return async (level, index) => {
    const tileLevel = Math.floor(level / 8);
    const span = 2 ** (level % 8);
    const start = (index * span) % WIDTH;
    const at = Math.floor((index * span) / WIDTH);
    const needed = size === undefined ? start + span : tileWidth(tileLevel, at, size);
    const hashes = await tile(tileLevel, at, needed);
    return rootOf(hashes.slice(start, start + span));
  };
}

/** The first `needed` hashes of a tile, stored or not full yet. */
async function readTile(
  tx: Tx,
  level: number,
  index: number,
  needed: number,
): Promise<Uint8Array[]> {
  const [stored] = await readTiles(tx, level, index, index + 1);
  if (stored !== undefined) return splitTile(stored.hashes);
  return readHashes(tx, level, index * WIDTH, index * WIDTH + needed);
}

/** Hashes `from` to `to` of a tile level, computed from the level below: entries, or full tiles. */
async function readHashes(tx: Tx, level: number, from: number, to: number): Promise<Uint8Array[]> {
  if (from === to) return [];
  const hashes =
    level === 0
      ? (await readBytes(tx, from, to)).map(leafHash)
      : (await readTiles(tx, level - 1, from, to)).map((tile) => rootOf(splitTile(tile.hashes)));
  if (hashes.length !== to - from)
    throw new Error(`tile level ${level} lacks hashes between ${from} and ${to}`);
  return hashes;
}

/** The root over all hashes of a tile, or of those given. */
export function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const range = new CompactRange();
  for (const hash of hashes) range.append(hash);
  return range.root();
}
