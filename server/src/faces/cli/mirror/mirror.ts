import {
  type Checkpoint,
  consistencyProof,
  decodeEntryBundle,
  equalBytes,
  fromUtf8,
  leafHash,
  nodeFromTile,
  openCheckpoint,
  readTile,
  splitTile,
  TILE_WIDTH,
  type Tile,
  type TileFiles,
  TileTree,
  tileOfNode,
  tilePath,
  tilesBetween,
  tileWidth,
  type Verifier,
  VerifyError,
  verifyConsistency,
} from "#verifier";
import { inOrder } from "./ahead.ts";
import type { MirrorFiles } from "./files.ts";
import { damaged, forked, lacks, otherKind, otherLog, shrunk, wrongContent } from "./refusals.ts";

const NOTE_BYTES_MAX = 4_000_000;
/** Files that are asked for at once. */
const AHEAD = 8;

export interface Mirroring {
  readonly source: TileFiles;
  readonly files: MirrorFiles;
  /** Keys that the log is trusted by. */
  readonly verifiers: readonly Verifier[];
  /** Without entries a mirror proves how the log grew, and shows nothing of what is in it. */
  readonly entries: boolean;
  progress(leaves: number, size: number): void;
}

export interface Mirrored {
  readonly log: string;
  readonly size: number;
  /** Size of the mirror before. */
  readonly previous_size: number;
  readonly root: string;
  readonly entries: boolean;
  /** Bundles (or tiles, in a mirror of hashes) that came from the source now. */
  readonly downloaded: number;
  /** Those that a run before had downloaded and not finished with. */
  readonly resumed: number;
}

/** A checkpoint with the text that was signed. */
interface Signed {
  readonly note: string;
  readonly head: Checkpoint;
}

/**
 * Brings a mirror up to the log's newest checkpoint. Only what leads to the signed root is put in place, and only if the log begins
 * with what is mirrored; otherwise the mirror stays as it was. Memory does not grow with the log.
 */
export async function mirrorLog(mirroring: Mirroring): Promise<Mirrored> {
  const { source, files } = mirroring;
  const newer = (await checkpointOf(source, mirroring)) ?? missing("checkpoint");
  const older = await checkpointOf(files, mirroring).catch((error: Error) => {
    throw damaged(error.message);
  });
  if (older !== undefined) await compare(mirroring, older, newer);
  const from = older?.head ?? { origin: newer.head.origin, size: 0, root: new Uint8Array() };
  const grown =
    (await grow(mirroring, from, newer.head)) ??
    // What an earlier run left may be the reason: once more, with nothing of it.
    (await files.discardStaged().then(() => grow(mirroring, from, newer.head)));
  if (grown === undefined) throw wrongContent(newer.head.size);
  await putInPlace(mirroring, from.size, newer);
  return {
    log: newer.head.origin,
    size: newer.head.size,
    previous_size: from.size,
    root: Buffer.from(newer.head.root).toString("base64"),
    entries: mirroring.entries,
    ...grown,
  };
}

async function checkpointOf(
  files: Pick<TileFiles, "read">,
  { verifiers }: Mirroring,
): Promise<Signed | undefined> {
  const bytes = await files.read("checkpoint", NOTE_BYTES_MAX);
  if (bytes === undefined) return undefined;
  const note = textOf(bytes);
  return { note, head: openCheckpoint(note, verifiers).checkpoint };
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new VerifyError(
      "verify/note-malformed",
      "The checkpoint is not text in UTF-8.",
      "Use the note as the log or the witness wrote it.",
    );
  }
}

/** The log must be the one that is mirrored, and begin with it: proven before anything is downloaded. */
async function compare(mirroring: Mirroring, older: Signed, newer: Signed): Promise<void> {
  const { files, source, entries } = mirroring;
  const { origin, size } = older.head;
  if (newer.head.origin !== origin) throw otherLog(origin, newer.head.origin);
  if (newer.head.size < size) throw shrunk(size, newer.head.size);
  if (size > 0) {
    const first = { level: "entries", index: 0, width: tileWidth("entries", 0, size) } as const;
    const hasEntries = (await readTile(files, first)) !== undefined;
    if (hasEntries !== entries) throw otherKind(hasEntries);
  }
  const tiles = new Map<string, Promise<Uint8Array>>();
  const proof = await consistencyProof(size, newer.head.size, async (level, index) => {
    const tile = tileOfNode({ level, index }, newer.head.size);
    const path = tilePath(tile);
    let bytes = tiles.get(path);
    if (bytes === undefined) tiles.set(path, (bytes = present(source, tile)));
    return nodeFromTile({ level, index }, await bytes);
  });
  if (!verifyConsistency({ older: older.head, newer: newer.head, proof }))
    throw forked(older.note, newer.note);
}

interface Grown {
  readonly downloaded: number;
  readonly resumed: number;
}

/**
 * Stages all files that the mirror lacks. Undefined when they do not lead to the signed root and some of them were left by an
 * earlier run; when none were, that is refused.
 */
async function grow(
  mirroring: Mirroring,
  older: Checkpoint,
  newer: Checkpoint,
): Promise<Grown | undefined> {
  const { files, entries } = mirroring;
  const tree = await restored(files, older);
  const counts = { downloaded: 0, resumed: 0 };
  const wanted = tilesBetween(entries ? "entries" : 0, older.size, newer.size);
  for await (const { tile, bytes, resumed } of inOrder(wanted, AHEAD, (one) =>
    take(mirroring, one),
  )) {
    counts[resumed ? "resumed" : "downloaded"]++;
    const leaves = entries ? decodeEntryBundle(bytes).map(leafHash) : splitTile(bytes);
    const known = tree.size - tile.index * TILE_WIDTH;
    if (known > 0 && !(await begins(files, tile.index, leaves.slice(0, known)))) break;
    for (const leaf of leaves.slice(known)) tree.append(leaf);
    for (const full of tree.takeFull()) await stageHashes(files, full);
    mirroring.progress(tree.size, newer.size);
  }
  for (const partial of tree.partial()) await stageHashes(files, partial);
  if (tree.size === newer.size && equalBytes(tree.root(), newer.root)) return counts;
  if (counts.resumed > 0) return undefined;
  await files.discardStaged();
  throw wrongContent(newer.size);
}

/** The mirror's own tree, which must be what its checkpoint says. */
async function restored(files: MirrorFiles, { size, root }: Checkpoint): Promise<TileTree> {
  if (size === 0) return new TileTree();
  try {
    const tree = await TileTree.restore(size, (tile) => present(files, tile));
    if (equalBytes(tree.root(), root)) return tree;
  } catch (error) {
    throw damaged((error as Error).message);
  }
  throw damaged("its tiles do not lead to the root of its checkpoint");
}

/** Whether the mirror's last tile begins with these leaves. */
async function begins(
  files: MirrorFiles,
  index: number,
  leaves: readonly Uint8Array[],
): Promise<boolean> {
  const own = await present(files, { level: 0, index, width: leaves.length });
  return equalBytes(own, Buffer.concat(leaves));
}

async function stageHashes(
  files: MirrorFiles,
  { level, index, hashes }: { level: number; index: number; hashes: Uint8Array },
): Promise<void> {
  await files.stage(tilePath({ level, index, width: hashes.length / 32 }), hashes);
}

/** A file from where an earlier run left it, or from the source. */
async function take(
  { source, files }: Mirroring,
  tile: Tile,
): Promise<{ tile: Tile; bytes: Uint8Array; resumed: boolean }> {
  const stage: TileFiles = { read: (path, bytesMax) => files.staged(path, bytesMax) };
  // One that does not even have the form was never whole.
  const left = await readTile(stage, tile).catch(() => undefined);
  if (left !== undefined) return { tile, bytes: left, resumed: true };
  const bytes = await present(source, tile);
  await files.stage(tilePath(tile), bytes);
  return { tile, bytes, resumed: false };
}

async function present(files: Pick<TileFiles, "read">, tile: Tile): Promise<Uint8Array> {
  return (await readTile(files, tile)) ?? missing(tilePath(tile));
}

function missing(path: string): never {
  throw lacks(path);
}

/** Everything that is staged for this checkpoint, then the checkpoint, then away with what it replaces. */
async function putInPlace(
  { files, entries }: Mirroring,
  olderSize: number,
  { note, head }: Signed,
): Promise<void> {
  const levels: (number | "entries")[] = entries ? ["entries"] : [];
  for (let level = 0; TILE_WIDTH ** level <= head.size; level++) levels.push(level);
  for (const level of levels)
    for (const tile of tilesBetween(level, olderSize, head.size)) await files.keep(tilePath(tile));
  await files.publish(note);
  for (const level of levels) {
    const [first] = tilesBetween(level, olderSize, head.size);
    // Partial tiles of sizes that were signed stay until the full tile is there.
    if (first?.width === TILE_WIDTH) await files.remove(`${tilePath(first)}.p`);
  }
  await files.discardStaged();
}
