import {
  BUNDLE_SIZE_MAX,
  CompactRange,
  decodeEntryBundle,
  leafHash,
  openCheckpoint,
  TILE_WIDTH,
  type TileFiles,
  type Verifier,
  verifyConsistency,
} from "#verifier";
import { bundlePaths, bundlesOf, type Manifest, sha256 } from "./manifest.ts";
import { decodePayloads, isOf, type Opening } from "./payloads.ts";
import { changed } from "./refusals.ts";

/** An entry as its archive has it. */
export interface ArchivedEntry extends Opening {
  readonly entry: string;
}

/** One bundle of an archive, read back and found to be whole. */
export interface CheckedBundle {
  readonly index: number;
  readonly leaves: readonly Uint8Array[];
  readonly entries: readonly ArchivedEntry[];
}

/**
 * Reads an archive's files back: each has the hash that the manifest says, payloads open their entries, entries lead to their hashes,
 * these to the root, and the log that signed its checkpoint began with it. Gives the bundles, so that who restores reads no byte that was not
 * checked; memory holds one at a time.
 */
export async function* checkArchive(
  files: TileFiles,
  manifest: Manifest,
): AsyncGenerator<CheckedBundle> {
  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  for (const index of bundlesOf(manifest)) {
    const paths = bundlePaths(index);
    const read = async (path: string) => {
      const file = listed.get(path);
      if (file === undefined) throw changed(path, "the manifest does not have it");
      const bytes = await files.read(path, Math.max(file.bytes, BUNDLE_SIZE_MAX));
      if (bytes === undefined) throw changed(path, "it is not there");
      if (bytes.length !== file.bytes || sha256(bytes) !== file.sha256)
        throw changed(path, "it is not the file that the manifest has the hash of");
      return bytes;
    };
    const [bundle, hashes, payloads] = [
      await read(paths.entries),
      await read(paths.hashes),
      await read(paths.payloads),
    ];
    const entries = inside(paths.entries, () => decodeEntryBundle(bundle));
    const openings = inside(paths.payloads, () => decodePayloads(payloads));
    const leaves = entries.map(leafHash);
    if (entries.length !== TILE_WIDTH) throw changed(paths.entries, "it is not a full bundle");
    if (!Buffer.concat(leaves).equals(hashes))
      throw changed(paths.hashes, "its hashes are not those of the entries");
    if (openings.length !== TILE_WIDTH) throw changed(paths.payloads, "it lacks entries");
    for (const [i, opening] of openings.entries())
      if (
        opening.index !== index * TILE_WIDTH + i ||
        !inside(paths.payloads, () => isOf(opening, entries[i]!))
      )
        throw changed(paths.payloads, `line ${i + 1} is not about its entry`);
    yield {
      index,
      leaves,
      entries: openings.map((opening, i) => ({
        ...opening,
        entry: Buffer.from(entries[i]!).toString(),
      })),
    };
  }
}

/** Reads all of an archive, and holds it against the checkpoint that its log signed. */
export async function verifyArchive(
  files: TileFiles,
  path: string,
  manifest: Manifest,
  { verifiers, progress }: { verifiers: readonly Verifier[]; progress(entries: number): void },
): Promise<void> {
  const { first, past, root, left, checkpoint, consistency, log } = manifest;
  const bytes = (base64: string) => Buffer.from(base64, "base64");
  const range = inside(path, () => CompactRange.restore(first, left.map(bytes)));
  for await (const { leaves } of checkArchive(files, manifest)) {
    for (const leaf of leaves) range.append(leaf);
    progress(range.size - first);
  }
  if (Buffer.from(range.root()).toString("base64") !== root)
    throw changed(path, "the entries do not lead to its root");
  const signed = openCheckpoint(checkpoint, verifiers).checkpoint;
  const older = { size: past, root: bytes(root) };
  const proof = consistency.map(bytes);
  if (signed.origin !== log || !verifyConsistency({ older, newer: signed, proof }))
    throw changed(path, "the log did not sign what begins with it");
}

/** What cannot be read is another file than the one that was written. */
function inside<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw changed(path, (error as Error).message);
  }
}
