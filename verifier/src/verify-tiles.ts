import { equalBytes, fromUtf8, toHex } from "./bytes.ts";
import { decodeEntryBundle, ENTRY_SIZE_MAX, encodeEntryBundle } from "./entry-bundle.ts";
import { HASH_SIZE, leafHash } from "./merkle.ts";
import { NOTE_LENGTH_MAX } from "./note.ts";
import type { TileBytes } from "./tile-builder.ts";
import { splitTile, TileTree } from "./tile-tree.ts";
import { TILE_WIDTH, type Tile, tilePath, tileWidth } from "./tiles.ts";
import {
  openTrusted,
  type TrustedKey,
  type VerifiedCheckpoint,
  verifiedCheckpoint,
} from "./verify-checkpoint.ts";
import { type Failure, failureInsteadOfReject, VerifyError } from "./verify-error.ts";

/** Files of a tiled log (c2sp.org/tlog-tiles), wherever they are; undefined: there is no such file. */
export type TileFiles = {
  /** May throw for a file of more bytes than this. */
  read(path: string, bytesMax: number): Promise<Uint8Array | undefined>;
};

/** Every leaf leads to the signed root. `entries` is false when only hashes were there to check. */
export type VerifiedTiles = VerifiedCheckpoint & { entries: boolean; tiles: number };

export const BUNDLE_SIZE_MAX = TILE_WIDTH * (2 + ENTRY_SIZE_MAX);

export interface TilesOptions {
  /** c2sp.org/tlog-policy: logs, witnesses and the quorum that must have cosigned. */
  readonly policy?: string | undefined;
  readonly progress?: (leaves: number, size: number) => void;
}

/**
 * Checks a whole log from its files: entries lead to leaf hashes, these to every tile, the tiles to the root, and that was
 * signed. Reads one bundle at a time, so memory does not grow with the log; never throws.
 */
export function verifyTiles(
  files: TileFiles,
  vkeys: readonly TrustedKey[],
  { policy, progress = () => undefined }: TilesOptions = {},
): Promise<VerifiedTiles | Failure> {
  return failureInsteadOfReject(async () => {
    const note = await files.read("checkpoint", 4 * NOTE_LENGTH_MAX);
    if (note === undefined) throw missing("checkpoint");
    const opened = openTrusted(textOf(note), vkeys, policy);
    const { size, root } = opened.checkpoint;
    const tree = new TileTree();
    // A mirror of hashes alone has no bundles; one that has the first has all.
    const entries = size > 0 && (await readTile(files, firstBundle(size))) !== undefined;
    let tiles = 0;
    for (let index = 0; tree.size < size; index++) {
      const width = tileWidth(0, index, size);
      for (const leaf of await leavesOf(files, { index, width }, entries)) tree.append(leaf);
      for (const tile of tree.takeFull()) tiles += await compare(files, tile);
      progress(tree.size, size);
    }
    for (const tile of tree.partial()) tiles += await compare(files, tile);
    if (!equalBytes(tree.root(), root)) {
      throw new VerifyError(
        "verify/root-wrong",
        `The ${size} leaves lead to root ${toHex(tree.root())}, not to the one that was signed, ${toHex(root)}.`,
        "Do not trust these files: fetch them again from the log, and keep the checkpoint as evidence if it stays so.",
      );
    }
    return { ...verifiedCheckpoint(opened), entries, tiles };
  });
}

const firstBundle = (size: number): Tile => ({
  level: "entries",
  index: 0,
  width: tileWidth("entries", 0, size),
});

async function leavesOf(
  files: TileFiles,
  { index, width }: { index: number; width: number },
  entries: boolean,
): Promise<Uint8Array[]> {
  const tile: Tile = { level: entries ? "entries" : 0, index, width };
  const bytes = await readTile(files, tile);
  if (bytes === undefined) throw missing(tilePath(tile));
  return entries ? decodeEntryBundle(bytes).map(leafHash) : splitTile(bytes);
}

/** One tile as it should be against the file: 1, so that callers can count. */
async function compare(files: TileFiles, { level, index, hashes }: TileBytes): Promise<1> {
  const tile: Tile = { level, index, width: hashes.length / HASH_SIZE };
  const found = await readTile(files, tile);
  if (found === undefined) throw missing(tilePath(tile));
  if (equalBytes(found, hashes)) return 1;
  throw new VerifyError(
    "verify/tile-wrong",
    `${tilePath(tile)} does not hold the hashes of what is below it.`,
    "Fetch the file again; if it stays so, do not trust these files.",
  );
}

/**
 * A tile or bundle of exactly this width. A log may drop a partial one once the full one is there; the full one begins with
 * it. A file of another width is malformed.
 */
export async function readTile(files: TileFiles, tile: Tile): Promise<Uint8Array | undefined> {
  const bytes = await files.read(tilePath(tile), bytesMaxOf(tile));
  if (bytes !== undefined) return exactly(tile, bytes);
  if (tile.width === TILE_WIDTH) return undefined;
  const full = { ...tile, width: TILE_WIDTH };
  const wider = await files.read(tilePath(full), bytesMaxOf(full));
  return wider === undefined ? undefined : narrowTile(tile, exactly(full, wider));
}

const bytesMaxOf = ({ level, width }: Tile): number =>
  level === "entries" ? width * (2 + ENTRY_SIZE_MAX) : width * HASH_SIZE;

function exactly(tile: Tile, bytes: Uint8Array): Uint8Array {
  const width =
    tile.level === "entries" ? decodeEntryBundle(bytes).length : bytes.length / HASH_SIZE;
  if (width === tile.width) return bytes;
  throw new VerifyError(
    "verify/tile-malformed",
    `${tilePath(tile)} holds ${width} ${tile.level === "entries" ? "entries" : "hashes"}, not ${tile.width}.`,
    "Fetch the file again, as bytes.",
  );
}

/** The beginning of a wider tile or bundle. */
export function narrowTile({ level, width }: Tile, full: Uint8Array): Uint8Array {
  return level === "entries"
    ? encodeEntryBundle(decodeEntryBundle(full).slice(0, width))
    : full.subarray(0, width * HASH_SIZE);
}

function textOf(note: Uint8Array): string {
  try {
    return fromUtf8(note);
  } catch {
    throw new VerifyError(
      "verify/note-malformed",
      "This is no signed note: it is not UTF-8.",
      "Save the file exactly as the log served it, with its last newline.",
    );
  }
}

function missing(path: string): VerifyError {
  return new VerifyError(
    "verify/file-missing",
    `There is no ${path}, which a log of this size has.`,
    "Fetch the file from the log, or mirror it again.",
  );
}
