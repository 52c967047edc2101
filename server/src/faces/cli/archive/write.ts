import {
  CompactRange,
  encodeEntryBundle,
  leafHash,
  nodeFromTile,
  rangePlan,
  readTile,
  TILE_WIDTH,
  tileOfNode,
  utf8,
} from "#verifier";
import { lacks } from "../mirror/refusals.ts";
import { projectSource } from "../mirror/source.ts";
import { type ArchivedEntry, verifyArchive } from "./check.ts";
import type { ArchiveFolder } from "./folder.ts";
import { type ArchivingLog, readArchives, readPage } from "./log.ts";
import {
  bundlePaths,
  encodeManifest,
  MANIFEST_FORMAT,
  type Manifest,
  manifestPath,
  sha256,
} from "./manifest.ts";
import { encodePayloads } from "./payloads.ts";
import { nothingToArchive } from "./refusals.ts";

/** Entries of one archive, which go in one transaction: as many as the server takes. */
const ARCHIVE_MAX = 64 * TILE_WIDTH;

export type Folder = Pick<ArchiveFolder, "read" | "write" | "sync" | "belongsTo">;

export interface Wanted {
  /** Entries below this index go; rounded down to a full bundle. */
  readonly below: number;
  /** Entries that a checkpoint covers. */
  readonly published: number;
}

export interface Written {
  readonly log: string;
  readonly first: number;
  readonly minimum: number;
  readonly manifests: readonly string[];
}

/**
 * Puts the log's oldest entries into files, archive by archive: written, read back and verified, and only then taken out of the database.
 * Stopped anywhere, the next run begins at the minimum index: files that no commit speaks of yet are written again.
 */
export async function archiveLog(
  log: ArchivingLog,
  folder: Folder,
  { below, published }: Wanted,
  progress: (entries: number, all: number) => void,
): Promise<Written> {
  await folder.belongsTo(log.origin);
  const first = (await readArchives(log))[0]?.minimum ?? 0;
  const last = Math.floor(Math.min(below, published) / TILE_WIDTH) * TILE_WIDTH;
  if (last <= first) throw nothingToArchive(first, below, published);
  const manifests: string[] = [];
  for (let at = first; at < last; ) {
    const past = Math.min(at + ARCHIVE_MAX, last);
    const manifest = await writeFiles(log, folder, { first: at, past }, (done) =>
      progress(at - first + done, last - first),
    );
    manifests.push(await commit(log, folder, manifest));
    at = past;
  }
  return { log: log.origin, first, minimum: last, manifests };
}

/** The files of one archive, its manifest last. */
export async function writeFiles(
  log: ArchivingLog,
  folder: Folder,
  { first, past }: { first: number; past: number },
  progress: (entries: number) => void,
): Promise<Manifest> {
  const left = await subtrees(log, first);
  const range = CompactRange.restore(first, left);
  const files: Manifest["files"][number][] = [];
  const write = async (path: string, bytes: Uint8Array) => {
    await folder.write(path, bytes);
    files.push({ path, bytes: bytes.length, sha256: sha256(bytes) });
  };
  for await (const bundle of bundlesFrom(log, first, past)) {
    const paths = bundlePaths(range.size / TILE_WIDTH);
    const entries = bundle.map(({ entry }) => utf8(entry));
    const leaves = entries.map(leafHash);
    for (const leaf of leaves) range.append(leaf);
    await write(paths.entries, encodeEntryBundle(entries));
    await write(paths.hashes, Buffer.concat(leaves));
    const openings = bundle.map(({ index, id, salt, payload }) => ({ index, id, salt, payload }));
    await write(paths.payloads, encodePayloads(openings));
    progress(range.size - first);
  }
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    log: log.origin,
    first,
    past,
    root: base64(range.root()),
    left: left.map(base64),
    ...(await proven(log, past)),
    files,
  };
  await folder.write(manifestPath(manifest), encodeManifest(manifest));
  await folder.sync();
  return manifest;
}

/** Reads everything back from disk; what holds is committed. Gives the manifest's path. */
export async function commit(
  log: ArchivingLog,
  folder: Folder,
  manifest: Manifest,
): Promise<string> {
  const { session, verifiers } = log;
  const path = manifestPath(manifest);
  await verifyArchive(folder, path, manifest, { verifiers, progress: () => undefined });
  const written = (await folder.read(path))!;
  await session.call("ledger.archive.commit", {
    past: manifest.past,
    root: manifest.root,
    manifest_hash: sha256(written),
  });
  return path;
}

async function* bundlesFrom(
  log: ArchivingLog,
  first: number,
  past: number,
): AsyncGenerator<ArchivedEntry[]> {
  let bundle: ArchivedEntry[] = [];
  for (let at = first; at < past; ) {
    const wanted = TILE_WIDTH - bundle.length;
    const { entries, next } = await readPage(log, at, wanted);
    if (entries.length === 0) throw lacks(`entry ${at}`);
    bundle.push(...entries);
    at = next;
    if (bundle.length === TILE_WIDTH) {
      yield bundle;
      bundle = [];
    }
  }
}

/** The log at a size, from its tiles: roots of its perfect subtrees. */
async function subtrees({ session }: ArchivingLog, size: number): Promise<Uint8Array[]> {
  const source = projectSource(session);
  const hashes: Uint8Array[] = [];
  for (const node of rangePlan(0, size)) {
    const tile = tileOfNode(node, size);
    const bytes = await readTile(source, tile);
    if (bytes === undefined) throw lacks(`tile ${tile.level}/${tile.index}`);
    hashes.push(nodeFromTile(node, bytes));
  }
  return hashes;
}

/** The newest checkpoint, and that the log grew from `past` to it. */
async function proven(
  { session }: ArchivingLog,
  past: number,
): Promise<Pick<Manifest, "checkpoint" | "consistency">> {
  const { output } = await session.call("ledger.checkpoint.get", {});
  const { checkpoint, size } = output as { checkpoint: string; size: number };
  const sizes = { older_size: past, newer_size: size };
  const { proof } = (await session.call("ledger.consistency.get", sizes)).output as {
    proof: string[];
  };
  return { checkpoint, consistency: proof };
}

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString("base64");
