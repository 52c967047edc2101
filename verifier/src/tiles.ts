import { foldRight, HASH_SIZE, nodeHash } from "./merkle.ts";
import type { NodePlace } from "./merkle-proof.ts";

/** c2sp.org/tlog-tiles: hashes of a full tile, entries of a full bundle. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const TILE_LEVEL_MAX = 63;

/** `level` counts tiles of height 8; "entries" names the bundle of the entries below a level-0 tile. */
export type Tile = { level: number | "entries"; index: number; width: number };
/** A tile of hashes. */
export type HashTile = Tile & { level: number };

/** `tile/0/x001/234` or `tile/entries/000.p/17`. */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000)) {
    const digits = String(rest % 1000).padStart(3, "0");
    groups.unshift(groups.length === 0 ? digits : `x${digits}`);
  }
  return `tile/${level}/${groups.join("/")}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const TILE_PATH = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** The tile of a path, or undefined: a path is accepted in the one form that `tilePath` writes. */
export function parseTilePath(path: string): Tile | undefined {
  const match = TILE_PATH.exec(path);
  if (match === null) return undefined;
  const tile: Tile = {
    level: match[1] === "entries" ? "entries" : Number(match[1]),
    index: Number(match[2]?.replaceAll(/[x/]/g, "")),
    width: match[3] === undefined ? TILE_WIDTH : Number(match[3]),
  };
  if (tile.level !== "entries" && tile.level > TILE_LEVEL_MAX) return undefined;
  if (!Number.isSafeInteger(tile.index) || tile.width > TILE_WIDTH) return undefined;
  return tilePath(tile) === path ? tile : undefined;
}

/** Hashes that the tile has in a tree of `size` entries: 0 to 256. */
export function tileWidth(level: number | "entries", index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === "entries" ? 0 : level));
  return Math.min(TILE_WIDTH, Math.max(0, hashes - index * TILE_WIDTH));
}

/**
 * Tiles (or, at level "entries", bundles) that a log of `newer` entries has and one of `older` entries has not, or not as
 * wide; from left to right.
 */
export function* tilesBetween(
  level: number | "entries",
  older: number,
  newer: number,
): Generator<Tile> {
  const span = TILE_WIDTH ** (level === "entries" ? 0 : level);
  const [had, has] = [Math.floor(older / span), Math.floor(newer / span)];
  if (had === has) return;
  for (let index = Math.floor(had / TILE_WIDTH); index * TILE_WIDTH < has; index++) {
    yield { level, index, width: Math.min(TILE_WIDTH, has - index * TILE_WIDTH) };
  }
}

/** The tile that holds a node, or the nodes below it, as wide as a tree of `size` entries has it. */
export function tileOfNode({ level, index }: NodePlace, size: number): HashTile {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const tileIndex = Math.floor((index * 2 ** (level % TILE_HEIGHT)) / TILE_WIDTH);
  return { level: tileLevel, index: tileIndex, width: tileWidth(tileLevel, tileIndex, size) };
}

/** Hash of a node, from the bytes of the tile that `tileOfNode` names. */
export function nodeFromTile({ level, index }: NodePlace, tile: Uint8Array): Uint8Array {
  const count = 2 ** (level % TILE_HEIGHT);
  const start = (index * count) % TILE_WIDTH;
  if (tile.length % HASH_SIZE !== 0 || (start + count) * HASH_SIZE > tile.length) {
    throw new RangeError(`The tile does not hold node ${index} of level ${level}.`);
  }
  let hashes: Uint8Array[] = [];
  for (let i = start; i < start + count; i++) {
    hashes.push(tile.slice(i * HASH_SIZE, (i + 1) * HASH_SIZE));
  }
  while (hashes.length > 1) {
    const parents: Uint8Array[] = [];
    for (let i = 0; i < hashes.length; i += 2) {
      parents.push(nodeHash(hashes[i] as Uint8Array, hashes[i + 1] as Uint8Array));
    }
    hashes = parents;
  }
  return foldRight(hashes);
}

/** Hash of the node that a full tile stands below: one hash of the tile above it. */
export const tileRoot = (tile: Uint8Array): Uint8Array =>
  nodeHash(
    nodeFromTile({ level: TILE_HEIGHT - 1, index: 0 }, tile),
    nodeFromTile({ level: TILE_HEIGHT - 1, index: 1 }, tile),
  );
