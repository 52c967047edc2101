import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Lock, takeLock } from "#kernel/engine/lock.ts";
import { busy, unwritable } from "./refusals.ts";

/** What is on its way lies in here, on the same disk, so that a rename puts it in place. */
const STAGE = ".mirror";

/**
 * A mirror's folder. A file is in place whole or not at all: it is written and synced beside its place, then renamed. What was downloaded
 * but is not verified yet waits in a folder of its own.
 */
export class MirrorFiles {
  readonly #dir: string;
  readonly #lock: Lock;
  readonly #touched = new Set<string>();

  private constructor(dir: string, held: Lock) {
    this.#dir = resolve(dir);
    this.#lock = held;
  }

  /** Takes the folder for this process; makes it if it is not there. */
  static async take(dir: string): Promise<MirrorFiles> {
    const made = await mkdir(join(dir, STAGE), { recursive: true }).catch((error) => {
      throw unwritable(dir, error);
    });
    if (made !== undefined) await syncFolders(resolve(dir), dirname(resolve(made)));
    return new MirrorFiles(dir, await lock(join(dir, STAGE), dir));
  }

  /** A file of the mirror, which was verified. */
  read(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    return readIfThere(join(this.#dir, path), bytesMax);
  }

  /** A file that was staged, by an earlier run perhaps. */
  staged(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    return readIfThere(join(this.#dir, STAGE, "files", path), bytesMax);
  }

  stage(path: string, bytes: Uint8Array): Promise<void> {
    return writeWhole(join(this.#dir, STAGE, "files", path), bytes);
  }

  /** Puts a staged file in place. */
  async keep(path: string): Promise<void> {
    const to = join(this.#dir, path);
    await mkdir(dirname(to), { recursive: true });
    await rename(join(this.#dir, STAGE, "files", path), to);
    // A folder that is new is on disk with the one that it is in.
    for (let folder = dirname(to); folder.startsWith(this.#dir); folder = dirname(folder))
      this.#touched.add(folder);
  }

  /** The last step: what was kept is on disk before the checkpoint that speaks of it. */
  async publish(checkpoint: string): Promise<void> {
    for (const folder of this.#touched) await syncFolder(folder);
    this.#touched.clear();
    await writeWhole(join(this.#dir, "checkpoint"), Buffer.from(checkpoint));
    await syncFolder(this.#dir);
  }

  remove = (path: string): Promise<void> =>
    rm(join(this.#dir, path), { recursive: true, force: true });

  discardStaged = (): Promise<void> => this.remove(join(STAGE, "files"));

  /** Lets others have the folder. */
  release = (): Promise<void> => this.#lock.release();
}

/** The bytes of a file, unless there is none; RangeError when there are more of them. */
export async function readIfThere(file: string, bytesMax: number): Promise<Uint8Array | undefined> {
  try {
    const { size } = await stat(file);
    if (size > bytesMax) throw new RangeError(`${file} is larger than ${bytesMax} bytes`);
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A file is there whole, synced, or as it was. Sync its folder, too, before something else speaks of it. */
export async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(`${file}.new`, "w", 0o644);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

/** The names of new folders, each in the one above it, up to the topmost. */
async function syncFolders(folder: string, top: string): Promise<void> {
  await syncFolder(folder);
  if (folder !== top) await syncFolders(dirname(folder), top);
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** One process at a time; the lock of one that has ended does not count. */
export async function lock(folder: string, dir: string): Promise<Lock> {
  const taken = await takeLock(folder).catch((error) => {
    throw unwritable(dir, error);
  });
  if ("pid" in taken) throw busy(dir, taken.pid);
  return taken;
}
