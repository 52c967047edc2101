import { mkdir, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Lock } from "#kernel/engine/lock.ts";
import { lock, readIfThere, syncFolder, writeWhole } from "../mirror/files.ts";
import { unwritable } from "../mirror/refusals.ts";
import { decodeManifest } from "./manifest.ts";
import { otherLog } from "./refusals.ts";

const MANIFEST_BYTES_MAX = 4_000_000;

/** The folder that archives are written to: objects by path, each in place whole or not at all. */
export class ArchiveFolder {
  readonly #dir: string;
  readonly #lock: Lock | undefined;
  readonly #touched = new Set<string>();

  private constructor(dir: string, held?: Lock) {
    this.#dir = resolve(dir);
    this.#lock = held;
  }

  /** To read from: it may lie where nobody can write. */
  static at = (dir: string): ArchiveFolder => new ArchiveFolder(dir);

  /** Takes the folder for this process; makes it if it is not there. */
  static async take(dir: string): Promise<ArchiveFolder> {
    await mkdir(join(dir, "archive"), { recursive: true }).catch((error) => {
      throw unwritable(dir, error);
    });
    return new ArchiveFolder(dir, await lock(join(dir, "archive"), dir));
  }

  read = (path: string, bytesMax: number = MANIFEST_BYTES_MAX): Promise<Uint8Array | undefined> =>
    readIfThere(join(this.#dir, path), bytesMax);

  async write(path: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.#dir, path);
    await writeWhole(file, bytes);
    for (let folder = dirname(file); folder.startsWith(this.#dir); folder = dirname(folder))
      this.#touched.add(folder);
  }

  /** What was written is on disk by its name, too. */
  async sync(): Promise<void> {
    for (const folder of this.#touched) await syncFolder(folder);
    this.#touched.clear();
  }

  /** Refuses a folder that has another log's archives. */
  async belongsTo(log: string): Promise<void> {
    for (const name of await readdir(join(this.#dir, "archive"))) {
      if (!name.endsWith(".json")) continue;
      const path = `archive/${name}`;
      const found = decodeManifest(path, (await this.read(path))!);
      if (found.log !== log) throw otherLog(found.log, log);
    }
  }

  /** Lets others have the folder. */
  release = async (): Promise<void> => this.#lock?.release();
}
