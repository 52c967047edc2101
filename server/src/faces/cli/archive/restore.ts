import type { TileFiles } from "#verifier";
import { type ArchivedEntry, checkArchive, verifyArchive } from "./check.ts";
import { type Archived, type ArchivingLog, readArchives } from "./log.ts";
import { decodeManifest, type Manifest, manifestPath, sha256 } from "./manifest.ts";
import { manifestMissing, otherManifest } from "./refusals.ts";

/** Entries and characters of one call. */
const ENTRIES_MAX = 1_024;
const CHARACTERS_MAX = 4_000_000;
const MANIFEST_BYTES_MAX = 4_000_000;

export interface Restored {
  readonly log: string;
  readonly minimum: number;
  readonly entries: number;
}

/**
 * Brings archives back, the one next to the minimum index first, down to `downTo` or as far as the folder has them. All files of all of
 * them are verified before the first entry is written; an archive is seen when the last of its entries is there.
 */
export async function restoreLog(
  log: ArchivingLog,
  files: TileFiles,
  downTo: number,
  progress: (entries: number, all: number) => void,
): Promise<Restored> {
  const archived = await readArchives(log);
  const minimum = archived[0]?.minimum ?? 0;
  const chosen = await verifyBelow(log, files, { archived, minimum, downTo });
  const all = chosen.reduce((sum, { past, first }) => sum + past - first, 0);
  let done = 0;
  let now = minimum;
  for (const manifest of chosen)
    for await (const batch of batchesOf(checkArchive(files, manifest), now)) {
      const { output } = await log.session.call("ledger.archive.restore", { entries: batch });
      now = (output as { minimum: number }).minimum;
      progress((done += batch.length), all);
    }
  return { log: log.origin, minimum: now, entries: minimum - now };
}

/** The archives below an index, down to another one, each as the log sealed it; the highest must be there. */
export async function verifyBelow(
  { verifiers }: ArchivingLog,
  files: TileFiles,
  {
    archived,
    minimum,
    downTo,
    all = false,
  }: {
    archived: readonly Archived[];
    minimum: number;
    downTo: number;
    /** That one is not there is refused, and not where it ends. */
    all?: boolean;
  },
): Promise<Manifest[]> {
  const verified: Manifest[] = [];
  for (let at = minimum; at > downTo; ) {
    const next = archived.find(
      ({ kind, first, past }) => kind === "archived" && first < at && past >= at,
    );
    if (next === undefined) break;
    const path = manifestPath(next);
    const bytes = await files.read(path, MANIFEST_BYTES_MAX);
    if (bytes === undefined) {
      if (verified.length > 0 && downTo === 0 && !all) break;
      throw manifestMissing(path);
    }
    const found = sha256(bytes);
    if (found !== next.manifest_hash) throw otherManifest(path, next.manifest_hash, found);
    const manifest = decodeManifest(path, bytes);
    await verifyArchive(files, path, manifest, { verifiers, progress: () => undefined });
    verified.push(manifest);
    at = next.first;
  }
  return verified;
}

/** Entries below `minimum` in pieces that fit into one call. */
async function* batchesOf(
  bundles: ReturnType<typeof checkArchive>,
  minimum: number,
): AsyncGenerator<ArchivedEntry[]> {
  let batch: ArchivedEntry[] = [];
  let characters = 0;
  for await (const { entries } of bundles)
    for (const one of entries) {
      if (one.index >= minimum) continue;
      const length = one.entry.length + (one.payload?.length ?? 0);
      if (batch.length === ENTRIES_MAX || characters + length > CHARACTERS_MAX) {
        if (batch.length > 0) yield batch;
        batch = [];
        characters = 0;
      }
      batch.push(one);
      characters += length;
    }
  if (batch.length > 0) yield batch;
}
