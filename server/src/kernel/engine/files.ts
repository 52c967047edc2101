import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lchown, lstat, mkdir, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Files that a privileged process writes where a less privileged one may write too: never through a link, never half.
 */
export type Owner = { readonly uid: number; readonly gid: number };

const TEMPORARY_NAME = /^\.sealbase-tmp-/;

export function temporaryName(directory: string): string {
  return join(directory, `.sealbase-tmp-${process.pid}-${randomBytes(6).toString("hex")}`);
}

export function isTemporaryName(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

export async function writeWhole(
  path: string,
  text: string | Buffer,
  mode: number,
  owner?: Owner,
): Promise<void> {
  const temporary = temporaryName(dirname(path));
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.chmod(mode);
      if (owner) await file.chown(owner.uid, owner.gid);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlinkIfThere(temporary);
    throw error;
  }
}

/** True when the file had to be written: a full disk does not hinder a start that changes nothing. */
export async function writeIfDifferent(
  path: string,
  text: string | Buffer,
  mode: number,
  owner?: Owner,
): Promise<boolean> {
  const before = await readIfThere(path);
  if (before !== undefined && before.equals(Buffer.from(text))) return false;
  await writeWhole(path, text, mode, owner);
  return true;
}

/**
 * Makes a directory and the parents it needs; the topmost that was missing, or undefined. Instead of mkdir's own
 * `recursive`, which never returns where a file system answers ENOENT to everything (/proc).
 */
export async function makeDirectory(path: string, mode: number): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return undefined;
    if (code !== "ENOENT" || path === dirname(path)) throw error;
    const top = await makeDirectory(dirname(path), mode | 0o055);
    await mkdir(path, { mode }).catch((refused: NodeJS.ErrnoException) => {
      throw refused.code === "ENOENT" ? Object.assign(refused, { code: "EPERM" }) : refused;
    });
    return top ?? path;
  }
}

/** A directory that is private to the owner; one that is there must be a real one and theirs. */
export async function privateDirectory(path: string, owner?: Owner): Promise<boolean> {
  const made = await mkdir(path, { mode: 0o700 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
  if (made && owner) await lchown(path, owner.uid, owner.gid);
  const found = await lstat(path);
  const uid = owner?.uid ?? process.getuid?.();
  return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0;
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
