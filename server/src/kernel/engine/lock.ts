import { link, readdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryName, unlinkIfThere } from "./files.ts";
import { bornOf } from "./process.ts";

/**
 * One owner per cluster. The lock is the file `owner.<n>.lock` with the highest n whose process still lives.
 *
 * A dead owner's file is never removed to make room (a slow second starter could then remove the lock of the first):
 * it is outbid by creating n+1, which only one can, and whoever then is not the highest steps back. A SIGKILL
 * therefore needs no clean-up, and a recycled pid holds nothing, because its time of birth differs.
 */
export type Lock = { readonly path: string; release(): Promise<void> };
export type Holder = { readonly pid: number };

const LOCK_NAME = /^owner\.(\d+)\.lock$/;

export async function takeLock(home: string): Promise<Lock | Holder> {
  const record = JSON.stringify({ pid: process.pid, born: await bornOf(process.pid) });
  for (;;) {
    const highest = Math.max(0, ...(await generations(home)));
    if (highest > 0) {
      const holder = await livingHolder(lockPath(home, highest));
      if (holder === "vanished") continue;
      if (holder) return holder;
    }
    const mine = lockPath(home, highest + 1);
    if (!(await createWhole(home, mine, record))) continue;
    const all = await generations(home);
    if (Math.max(...all) !== highest + 1) {
      await unlinkIfThere(mine);
      continue;
    }
    for (const older of all) if (older <= highest) await unlinkIfThere(lockPath(home, older));
    return { path: mine, release: () => unlinkIfThere(mine) };
  }
}

/** Who holds the cluster now, without trying to take it. */
export async function lockHolder(home: string): Promise<Holder | undefined> {
  const highest = Math.max(0, ...(await generations(home)));
  const holder = highest > 0 ? await livingHolder(lockPath(home, highest)) : undefined;
  return holder === "vanished" ? undefined : holder;
}

export function isLockName(name: string): boolean {
  return LOCK_NAME.test(name);
}

function lockPath(home: string, generation: number): string {
  return join(home, `owner.${generation}.lock`);
}

async function generations(home: string): Promise<number[]> {
  const names = await readdir(home).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const numbers = names.map((name) => Number(LOCK_NAME.exec(name)?.[1] ?? 0));
  return numbers.filter((number) => number > 0);
}

async function livingHolder(path: string): Promise<Holder | "vanished" | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "vanished";
    throw error;
  }
  try {
    const { pid, born } = JSON.parse(text) as { pid: number; born: string };
    const now = await bornOf(pid);
    return now === born || now === "unknown" ? { pid } : undefined;
  } catch {
    return undefined; // A power loss emptied it: nobody who wrote that lives.
  }
}

/** Creates the file with all of its content or not at all; false when it is there already. */
async function createWhole(home: string, path: string, text: string): Promise<boolean> {
  const temporary = temporaryName(home);
  try {
    await writeFile(temporary, text, { flag: "wx", mode: 0o644 });
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}
