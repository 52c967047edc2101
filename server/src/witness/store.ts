import { createHash } from "node:crypto";
import { mkdir, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isTemporaryName, readIfThere, syncDirectory, writeWhole } from "#kernel/engine/files.ts";
import { takeLock } from "#kernel/engine/lock.ts";
import { parseCheckpoint, parseNote } from "#verifier";
import type { Signed } from "./judge.ts";
import { hasKey } from "./key.ts";
import { dataInUse, dataLost } from "./refusals.ts";

/** Forks of one log that are kept; the first is enough to convict it. */
const FORKS_MAX = 100;

/**
 * What a witness must not forget: the newest checkpoint that it cosigned of each log, one small file a log, replaced whole
 * and on disk before anybody is told. One process at a time has the folder.
 */
export class Store {
  readonly #dir: string;
  readonly #release: () => Promise<void>;
  readonly #known = new Map<string, Signed>();

  private constructor(dir: string, release: () => Promise<void>) {
    this.#dir = dir;
    this.#release = release;
  }

  /** Opens the folder, or makes it; one that has a key and has lost what was signed with it is refused. */
  static async open(dir: string): Promise<Store> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const lock = await takeLock(dir);
    if ("pid" in lock) throw dataInUse(dir, lock.pid);
    const store = new Store(dir, () => lock.release());
    try {
      if ((await hasKey(dir)) && !(await readdir(dir)).includes("logs")) throw dataLost(dir);
      for (const folder of ["logs", "forks"]) {
        await mkdir(join(dir, folder), { recursive: true });
        // What a killed process was about to write, and told nobody of.
        for (const name of await readdir(join(dir, folder)))
          if (isTemporaryName(name)) await unlink(join(dir, folder, name));
      }
      await syncDirectory(dir);
      return store;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** The checkpoint that was cosigned last; a file that cannot be read is a failure, never a new beginning. */
  async last(origin: string): Promise<Signed | undefined> {
    const known = this.#known.get(origin);
    if (known !== undefined) return known;
    const bytes = await readIfThere(this.#logFile(origin));
    if (bytes === undefined) return undefined;
    const note = bytes.toString();
    const signed = { checkpoint: parseCheckpoint(parseNote(note).text), note };
    if (signed.checkpoint.origin !== origin)
      throw new Error(`the file of log ${origin} is about ${signed.checkpoint.origin}`);
    this.#known.set(origin, signed);
    return signed;
  }

  /** Returns once it would outlast a power cut. */
  async keep(signed: Signed): Promise<void> {
    const { origin } = signed.checkpoint;
    // What is not certain to be on disk is read again from there.
    this.#known.delete(origin);
    await this.#write("logs", this.#logFile(origin), signed.note);
    this.#known.set(origin, signed);
  }

  /** Keeps evidence once; gives its name, and undefined when enough is kept of this log. */
  async keepFork(origin: string, fork: string): Promise<string | undefined> {
    const name = `${digest(origin)}-${digest(fork)}`;
    const names = await this.forks();
    if (names.includes(name)) return name;
    if (names.filter((other) => other.startsWith(digest(origin))).length >= FORKS_MAX)
      return undefined;
    await this.#write("forks", join(this.#dir, "forks", name), fork);
    return name;
  }

  async forks(): Promise<string[]> {
    const names = await readdir(join(this.#dir, "forks"));
    return names.filter((name) => FORK_NAME.test(name)).sort();
  }

  async fork(name: string): Promise<string | undefined> {
    if (!FORK_NAME.test(name)) return undefined;
    return (await readIfThere(join(this.#dir, "forks", name)))?.toString();
  }

  close(): Promise<void> {
    return this.#release();
  }

  #logFile(origin: string): string {
    return join(this.#dir, "logs", digest(origin));
  }

  async #write(folder: string, path: string, text: string): Promise<void> {
    await writeWhole(path, text, 0o600);
    await syncDirectory(join(this.#dir, folder));
  }
}

const FORK_NAME = /^[0-9a-f]{32}-[0-9a-f]{32}$/;

const digest = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 32);
