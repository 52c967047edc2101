import { CompactRange } from "./compact-range.ts";
import { HASH_SIZE } from "./merkle.ts";
import { rangePlan } from "./merkle-proof.ts";
import { TileBuilder, type TileBytes } from "./tile-builder.ts";
import { nodeFromTile, TILE_WIDTH, type Tile, tileOfNode } from "./tiles.ts";

/** A growing tree with the tiles that it fills: all that is kept is what the next leaf needs. */
export class TileTree {
  readonly #range: CompactRange;
  readonly #tiles: TileBuilder;

  constructor(range: CompactRange = new CompactRange(), tiles: TileBuilder = new TileBuilder()) {
    this.#range = range;
    this.#tiles = tiles;
  }

  /** Continues the tree of `size` leaves whose tiles `read` gives; they are believed, so compare the root. */
  static async restore(size: number, read: (tile: Tile) => Promise<Uint8Array>): Promise<TileTree> {
    const hashes: Uint8Array[] = [];
    for (const node of rangePlan(0, size)) {
      hashes.push(nodeFromTile(node, await read(tileOfNode(node, size))));
    }
    const partial: Uint8Array[][] = [];
    for (let level = 0, nodes = size; nodes > 0; level++, nodes = Math.floor(nodes / TILE_WIDTH)) {
      const [width, index] = [nodes % TILE_WIDTH, Math.floor(nodes / TILE_WIDTH)];
      partial[level] = width === 0 ? [] : splitTile(await read({ level, index, width }));
    }
    return new TileTree(CompactRange.restore(size, hashes), new TileBuilder(partial));
  }

  get size(): number {
    return this.#range.size;
  }

  append(leaf: Uint8Array): void {
    this.#range.append(leaf, (level, index, hash) => this.#tiles.add(level, index, hash));
  }

  root(): Uint8Array {
    return this.#range.root();
  }

  /** The tiles that became full since the last time. */
  takeFull(): TileBytes[] {
    return this.#tiles.takeFull();
  }

  /** The tiles that are not full now: at most one a level. */
  partial(): TileBytes[] {
    return this.#tiles.partial(this.size);
  }
}

/** The hashes of a tile, views into it. */
export function splitTile(tile: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.floor(tile.length / HASH_SIZE) }, (_, i) =>
    tile.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE),
  );
}
