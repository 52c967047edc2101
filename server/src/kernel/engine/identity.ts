import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Binaries, program } from "./binaries.ts";
import type { Owner } from "./files.ts";

const run = promisify(execFile);

/**
 * Who PostgreSQL runs as. It refuses to run as root, so root hands over to the owner of the directory, else to the
 * user `postgres`, else to `nobody`. Everyone else runs it as themselves: undefined.
 */
export async function identityFor(directory: Owner): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (directory.uid !== 0) return { uid: directory.uid, gid: directory.gid };
  return (await userNamed("postgres")) ?? (await userNamed("nobody")) ?? { uid: 65534, gid: 65534 };
}

/** Asked of the system itself by going there, so that access lists and mounts count too. */
export async function canEnter(identity: Owner, path: string): Promise<boolean> {
  return succeeds("/bin/sh", ["-c", 'cd -- "$1"', "sh", path], identity);
}

export async function canRun(identity: Owner, binaries: Binaries): Promise<boolean> {
  return succeeds(program(binaries, "postgres"), ["--version"], identity);
}

async function succeeds(file: string, args: string[], { uid, gid }: Owner): Promise<boolean> {
  return run(file, args, { uid, gid, cwd: "/", env: {} }).then(
    () => true,
    () => false,
  );
}

async function userNamed(name: string): Promise<Owner | undefined> {
  try {
    const [uid, gid] = await Promise.all(["-u", "-g"].map((flag) => run("id", [flag, name])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    return undefined;
  }
}
