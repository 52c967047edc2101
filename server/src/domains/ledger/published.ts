import type { Tx } from "#kernel/db.ts";
import {
  concatBytes,
  encodeEntryBundle,
  leafHash,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from "#verifier";
import { readBundle, readTileSource, type Showing } from "./queries.ts";
import { bundleArchived, tileMissing } from "./refusals.ts";

/** Bytes of one file of c2sp.org/tlog-tiles, no wider than the newest checkpoint covers. */
export interface PublishedFile {
  readonly log: string;
  /** Hashes or entries in it, 1 to 256. */
  readonly width: number;
  readonly bytes: Uint8Array;
}

/** A tile of hashes; as wide as it is published when no width is asked for. One question to the database. */
export async function publishedTile(
  tx: Tx,
  showing: Showing,
  level: number,
  index: number,
  wanted: number | undefined,
): Promise<PublishedFile> {
  const source = await readTileSource(tx, showing, level, index);
  const width = widthOf({ level, index }, source?.published ?? 0, wanted);
  const { origin, full, below } = source!;
  const hashes =
    full === null
      ? concatBytes(...(level === 0 ? below.map(leafHash) : below).slice(0, width))
      : full.subarray(0, width * 32);
  if (hashes.length !== width * 32)
    throw new Error(`${origin}: tile level ${level} lacks hashes at ${index}`);
  return { log: origin, width, bytes: hashes };
}

/** A bundle of entries, the same way. */
export async function publishedBundle(
  tx: Tx,
  showing: Showing,
  index: number,
  wanted: number | undefined,
): Promise<PublishedFile> {
  const source = await readBundle(tx, showing, index);
  const width = widthOf({ level: "entries", index }, source?.published ?? 0, wanted);
  const { origin, minimum, entries } = source!;
  if (index * TILE_WIDTH < minimum) throw bundleArchived(index, minimum);
  if (entries.length < width) throw new Error(`${origin}: bundle ${index} lacks entries`);
  return { log: origin, width, bytes: encodeEntryBundle(entries.slice(0, width)) };
}

function widthOf(
  place: { level: number | "entries"; index: number },
  published: number,
  wanted: number | undefined,
): number {
  const { level, index } = place;
  const width = tileWidth(level, index, published);
  if (width === 0 || (wanted ?? 1) > width)
    throw tileMissing(tilePath({ ...place, width: wanted ?? 256 }), published);
  return wanted ?? width;
}
