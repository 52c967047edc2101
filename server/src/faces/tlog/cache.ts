import { narrowTile, type Tile } from "#verifier";

/** Memory for tiles that people without a key ask for. */
const BYTES_MAX = 32 * 1024 * 1024;

interface Cached {
  readonly width: number;
  readonly bytes: Uint8Array;
}

/**
 * Tiles and bundles by project and place, each as wide as it was last read: what is in one never changes, and a narrower one is its
 * beginning. The ones that were not asked for longest go first.
 */
export class TileCache {
  readonly #tiles = new Map<string, Cached>();
  #bytes = 0;

  get(projectId: string, tile: Tile): Buffer | undefined {
    const key = keyOf(projectId, tile);
    const found = this.#tiles.get(key);
    if (found === undefined || found.width < tile.width) return undefined;
    this.#tiles.delete(key);
    this.#tiles.set(key, found);
    return cut(tile, found);
  }

  /** Keeps a tile, and gives it as wide as it was asked for; undefined when it is not as wide. */
  put(projectId: string, tile: Tile, read: Cached): Buffer | undefined {
    const key = keyOf(projectId, tile);
    this.#drop(key);
    this.#tiles.set(key, read);
    this.#bytes += read.bytes.length;
    for (const [oldest] of this.#tiles) {
      if (this.#bytes <= BYTES_MAX) break;
      this.#drop(oldest);
    }
    return read.width < tile.width ? undefined : cut(tile, read);
  }

  #drop(key: string): void {
    this.#bytes -= this.#tiles.get(key)?.bytes.length ?? 0;
    this.#tiles.delete(key);
  }
}

const keyOf = (projectId: string, { level, index }: Tile): string =>
  `${projectId}/${level}/${index}`;

function cut(tile: Tile, { width, bytes }: Cached): Buffer {
  return Buffer.from(tile.width === width ? bytes : narrowTile(tile, bytes));
}
