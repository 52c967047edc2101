import type { Tx } from "#kernel/db.ts";
import {
  type HashAt,
  type HashTile,
  nodeFromTile,
  splitTile,
  TileBuilder,
  tileOfNode,
  TILE_WIDTH as WIDTH,
} from "#verifier";
import { readTileHashes } from "./queries.ts";

/** The partial tiles of a log of this size, read back so that it can be extended. */
export async function readTileBuilder(tx: Tx, size: number): Promise<TileBuilder> {
  const last: HashTile[] = [];
  for (let level = 0, nodes = size; nodes > 0; level++, nodes = Math.floor(nodes / WIDTH))
    last.push({ level, index: Math.floor(nodes / WIDTH), width: nodes % WIDTH });
  return new TileBuilder((await readTileHashes(tx, last)).map(splitTile));
}

/**
 * Any complete node of the stored tree of this size: from tiles where they are full, elsewhere from what they are made of. What is
 * asked for at once is one question to the database.
 */
export function storedHashes(
  tx: Tx,
  size: number,
): (...node: Parameters<HashAt>) => Promise<Uint8Array> {
  const tiles = new Map<string, Promise<Uint8Array>>();
  let asked: HashTile[] = [];
  let answer: Promise<readonly Uint8Array[]> | undefined;
  const read = async () => {
    await Promise.resolve(); // until everybody has asked
    const wanted = asked;
    [asked, answer] = [[], undefined];
    return readTileHashes(tx, wanted);
  };
  const hashesOf = (tile: HashTile) => {
    const key = `${tile.level}/${tile.index}`;
    let hashes = tiles.get(key);
    if (hashes === undefined) {
      const place = asked.push(tile) - 1;
      answer ??= read();
      hashes = answer.then((found) => found[place]!);
      tiles.set(key, hashes);
    }
    return hashes;
  };
  return async (level, index) => {
    const node = { level, index };
    return nodeFromTile(node, await hashesOf(tileOfNode(node, size)));
  };
}
