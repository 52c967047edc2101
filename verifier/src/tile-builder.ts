import { concatBytes } from "./bytes.ts";
import { TILE_WIDTH } from "./tiles.ts";

/** Hashes of one tile, joined; fewer than 256 when it is the last of its level. */
export type TileBytes = { level: number; index: number; hashes: Uint8Array };

/** Collects the hashes of a growing tree into tiles of 256 and gives out each as it becomes full. */
export class TileBuilder {
  /** By tile level, hashes of the tile that is not full yet. */
  readonly #partial: Uint8Array[][];
  #full: TileBytes[] = [];

  constructor(partial: Uint8Array[][] = []) {
    this.#partial = partial;
  }

  /** A node of the tree; only every eighth level is kept in tiles. */
  add(level: number, index: number, hash: Uint8Array): void {
    if (level % 8 !== 0) return;
    const tileLevel = level / 8;
    this.#partial[tileLevel] ??= [];
    const hashes = this.#partial[tileLevel];
    hashes.push(hash);
    if (hashes.length < TILE_WIDTH) return;
    this.#partial[tileLevel] = [];
    this.#full.push({
      level: tileLevel,
      index: Math.floor(index / TILE_WIDTH),
      hashes: concatBytes(...hashes),
    });
  }

  /** The tiles that became full since the last time. */
  takeFull(): TileBytes[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** The tiles that are not full in a tree of this size: at most one a level. */
  partial(size: number): TileBytes[] {
    return this.#partial.flatMap((hashes, level) =>
      hashes.length === 0
        ? []
        : [
            {
              level,
              index: Math.floor(size / TILE_WIDTH ** (level + 1)),
              hashes: concatBytes(...hashes),
            },
          ],
    );
  }
}
