import { createHash } from "node:crypto";
import { chmod, chown, lstat, realpath, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Binaries, copyBinaries, hydrate } from "./binaries.ts";
import { makeDirectory, type Owner, readIfThere } from "./files.ts";
import { canEnter, canRun, identityFor } from "./identity.ts";
import type { Lock } from "./lock.ts";
import { type Marker, markerPath, readMarker } from "./marker.ts";
import {
  clusterMissing,
  foreignDirectory,
  noBinaries,
  notWritable,
  versionMismatch,
} from "./refusals.ts";

/**
 * Where everything of one engine is:
 *
 *     dir/    sealbase.json   whose directory this is, see marker.ts
 *             password        of sealbase_admin, 0600
 *     home/   pg/             PostgreSQL's data directory
 *             log/ socket/ tls/ start.log
 *             owner.<n>.lock  see lock.ts
 *
 * Home is dir. Only when root started us and PostgreSQL's user may not enter dir (/root is closed to everyone) it is
 * /var/lib/sealbase/<hash of dir>, and `cluster` in dir/sealbase.json points there. Nobody's parents are opened. The
 * programs are copied to /var/lib/sealbase likewise when that user may not run them where npm put them.
 */
export type Place = {
  readonly dir: string;
  readonly home: string;
  readonly pg: string;
  readonly binaries: Binaries;
  /** Whom PostgreSQL runs as, and who owns pg/, log/, socket/, tls/; undefined: who we are. */
  readonly identity: Owner | undefined;
  /** Who owns the other files; undefined: who we are. */
  readonly keeper: Owner | undefined;
  /** The topmost directory that did not exist before us. */
  readonly made: string | undefined;
};

const SHARED_HOME = "/var/lib/sealbase";

export async function openPlace(wanted: string, found: Binaries): Promise<Place> {
  const before = await readMarker(wanted, found.major);
  if (before?.cluster && dirname(before.cluster) !== SHARED_HOME) {
    throw foreignDirectory(wanted, `its cluster is said to be in ${before.cluster}`, []);
  }
  const made = before ? undefined : await makeDirectory(wanted, 0o700);
  const dir = await realpath(wanted);
  try {
    return await placeIn(dir, before, made, found);
  } catch (error) {
    await removeEmpty(dir, made);
    throw error;
  }
}

async function placeIn(
  dir: string,
  before: Marker | undefined,
  made: string | undefined,
  found: Binaries,
): Promise<Place> {
  const owner = await stat(dir);
  const keeper = process.getuid?.() === 0 ? { uid: owner.uid, gid: owner.gid } : undefined;

  const clusterOwner = await ownerOf(join(before?.cluster ?? dir, "pg"));
  const identity = await identityFor(clusterOwner ?? owner);
  const home = await realpath(before ? (before.cluster ?? dir) : await homeFor(dir, identity));
  await checkCluster(dir, home, identity, clusterOwner, found.major);
  const binaries = await runnable(found, dir, identity);
  return { dir, home, pg: join(home, "pg"), binaries, identity, keeper, made };
}

/** Whether there is a cluster. Asked under the lock: only then do marker and cluster belong together. */
export async function hasCluster({ dir, home, pg, binaries }: Place): Promise<boolean> {
  const marker = await readMarker(dir, binaries.major);
  const there = (await readIfThere(join(pg, "PG_VERSION"))) !== undefined;
  if (there && !marker) {
    // dir was removed and made again, its cluster elsewhere was not: neither to be used nor lost unasked.
    throw foreignDirectory(dir, `an earlier cluster of it is in ${home}`, [pg]);
  }
  if (!there && marker?.initialised) throw clusterMissing(dir, pg);
  return there;
}

/** Gives the lock back, and what a first start made when it could not finish; a cluster is never touched. */
export async function abandonPlace(place: Place, lock: Lock): Promise<void> {
  const { dir, home, pg, binaries, made } = place;
  const marker = await readMarker(dir, binaries.major).catch(() => undefined);
  if (marker?.initialised || (await ownerOf(pg))) return lock.release();
  for (const name of ["log", "socket", "tls", "start.log"]) {
    await rm(join(home, name), { recursive: true, force: true });
  }
  await rm(join(dir, "password"), { force: true });
  await rm(markerPath(dir), { force: true });
  await lock.release();
  if (home !== dir) await rmdir(home).catch(() => undefined);
  await removeEmpty(dir, made);
}

/** The directories that did not exist before us, as far as they are still empty. */
async function removeEmpty(dir: string, made: string | undefined): Promise<void> {
  for (let path = dir; made && path.length >= made.length; path = dirname(path)) {
    await rmdir(path).catch(() => undefined);
  }
}

async function homeFor(dir: string, identity: Owner | undefined): Promise<string> {
  if (!identity || (await canEnter(identity, dir))) return dir;
  // The directory itself is ours to open a crack, for this one user; its parents are not.
  const { uid, mode } = await stat(dir);
  if (uid === 0 && (mode & 0o070) === 0) {
    await chown(dir, 0, identity.gid);
    await chmod(dir, (mode & 0o707) | 0o010);
  }
  // Asked again in any case: a start beside us may have opened it meanwhile, and both must come to one answer.
  if (await canEnter(identity, dir)) return dir;
  const name = createHash("sha256").update(dir).digest("hex").slice(0, 16);
  const home = join(SHARED_HOME, name);
  await makeDirectory(home, 0o711);
  return home;
}

async function checkCluster(
  dir: string,
  home: string,
  identity: Owner | undefined,
  owner: Owner | undefined,
  major: number,
): Promise<void> {
  const version = await readIfThere(join(home, "pg", "PG_VERSION"));
  if (version && Number.parseInt(version.toString(), 10) !== major) {
    throw versionMismatch(dir, "PostgreSQL", Number.parseInt(version.toString(), 10), major);
  }
  if (owner && !identity && owner.uid !== process.getuid?.()) {
    throw notWritable(dir, `its cluster belongs to user ${owner.uid}`);
  }
  if (identity && !(await canEnter(identity, home))) {
    throw notWritable(dir, `user ${identity.uid}, whom PostgreSQL runs as, may not enter ${home}`);
  }
}

async function runnable(found: Binaries, dir: string, identity?: Owner): Promise<Binaries> {
  const hydrated = await hydrate(found);
  if (!identity) return hydrated ? { ...found, missing: [] } : copyBinaries(found, dir);
  if (hydrated && (await canRun(identity, found))) return { ...found, missing: [] };
  await makeDirectory(SHARED_HOME, 0o711);
  const copied = await copyBinaries(found, SHARED_HOME);
  if (await canRun(identity, copied)) return copied;
  throw noBinaries(
    `${process.platform}-${process.arch}`,
    `${copied.native}/bin/postgres does not run`,
  );
}

async function ownerOf(path: string): Promise<Owner | undefined> {
  const found = await lstat(path).catch(() => undefined);
  return found && { uid: found.uid, gid: found.gid };
}
