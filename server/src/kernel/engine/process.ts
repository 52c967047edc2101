import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const linux = process.platform === "linux";

/**
 * When a process was born, in a form that no other process on this machine ever has; undefined when it is dead.
 * With the pid it names a process so that a recycled pid is never taken for it. A zombie counts as dead: nobody may
 * be there to reap it (we can be pid 1 of a container).
 */
export async function bornOf(pid: number): Promise<string | undefined> {
  if (!exists(pid)) return undefined;
  try {
    return linux ? await bornOnLinux(pid) : await bornByPs(pid);
  } catch {
    // It ended while we looked, or /proc hides it (hidepid): alive is then the safe answer.
    return exists(pid) ? "unknown" : undefined;
  }
}

/** Whether the process is the postmaster of this data directory, and not a stranger with its old pid. */
export async function isPostmasterOf(pid: number, pgDir: string): Promise<boolean> {
  if ((await bornOf(pid)) === undefined) return false;
  try {
    if (!linux) {
      const { stdout } = await run("/bin/ps", ["-ww", "-o", "args=", "-p", String(pid)]);
      return stdout.includes(`postgres -D ${pgDir}`);
    }
    // PostgreSQL changes into its data directory and stays; an upgraded binary reads "postgres (deleted)".
    const exe = basename(await readlink(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, "");
    return exe === "postgres" && (await readlink(`/proc/${pid}/cwd`)) === pgDir;
  } catch {
    return false;
  }
}

/** Whether kill() would find it: a zombie still counts, and so does what belongs to others. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function bornOnLinux(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1");
  // The name in brackets may hold anything; what follows it is: state, ppid, … and, 20th, the start in ticks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "latin1");
  return `${boot.trim()}/${fields[19]}`;
}

async function bornByPs(pid: number): Promise<string | undefined> {
  const env = { LC_ALL: "C", TZ: "UTC" };
  const { stdout } = await run("/bin/ps", ["-o", "state=,lstart=", "-p", String(pid)], { env });
  const [state = "Z", ...start] = stdout.trim().split(/\s+/);
  return state.startsWith("Z") ? undefined : start.join(" ");
}
