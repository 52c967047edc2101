import { Refusal } from "#kernel/refusal.ts";

/** Every way in which the embedded engine says no. */

export const noBinaries = (platform: string, why: string) =>
  new Refusal(
    "engine/no_binaries",
    503,
    `The embedded PostgreSQL cannot run here: ${why}.`,
    { platform },
    "Set DATABASE_URL to a PostgreSQL server, 17 or later.",
  );

export const foreignDirectory = (dir: string, why: string, found: readonly string[]) =>
  new Refusal(
    "engine/foreign_directory",
    409,
    `The directory ${dir} is not a Sealbase directory: ${why}.`,
    { dir, found: found.slice(0, 10) },
    "Name an empty or a new directory.",
  );

export const clusterMissing = (dir: string, cluster: string) =>
  new Refusal(
    "engine/cluster_missing",
    503,
    `The data of ${dir} should be in ${cluster} and is not there.`,
    { dir, cluster },
    "Mount or restore it; to begin without the old data, name another directory.",
  );

export const versionMismatch = (dir: string, what: string, found: number, supported: number) =>
  new Refusal(
    "engine/version_mismatch",
    409,
    `The directory ${dir} was made with ${what} ${found}; this program works with ${supported}.`,
    { dir, what, found, supported },
    found > supported
      ? "Start it with the newer Sealbase that made it."
      : "Dump it with the Sealbase that made it, and restore the dump into a new directory.",
  );

export const directoryInUse = (dir: string, pid: number) =>
  new Refusal(
    "engine/directory_in_use",
    409,
    `Another Sealbase process (pid ${pid}) is using ${dir}.`,
    { dir, pid },
    "Stop that process, or name another directory.",
  );

export const portBusy = (host: string, port: number) =>
  new Refusal(
    "engine/port_busy",
    409,
    `Port ${port} on ${host} is taken by another program.`,
    { host, port },
    "Choose another port for PostgreSQL, or stop that program.",
  );

export const diskFull = (dir: string, lines: readonly string[] = []) =>
  new Refusal(
    "engine/disk_full",
    503,
    `There is no space left for ${dir}.`,
    { dir, lines },
    "Free some space on that disk and start again.",
  );

export const notWritable = (dir: string, why: string) =>
  new Refusal(
    "engine/not_writable",
    503,
    `The directory ${dir} cannot be used: ${why}.`,
    { dir, why },
    "Give this user the right to write there, or name another directory.",
  );

export const tlsRequired = (host: string) =>
  new Refusal(
    "engine/tls_required",
    409,
    `PostgreSQL does not listen on ${host} without TLS.`,
    { host },
    "Give a certificate and its key, or listen on 127.0.0.1.",
  );

export const tlsUnusable = (why: string) =>
  new Refusal(
    "engine/tls_unusable",
    503,
    `The certificate for PostgreSQL cannot be used: ${why}.`,
    { why },
    "Give a certificate and the private key that belongs to it, both in PEM.",
  );

export const startFailed = (dir: string, why: string, lines: readonly string[] = []) =>
  new Refusal(
    "engine/start_failed",
    503,
    `PostgreSQL did not start in ${dir}: ${why}.`,
    { dir, why, lines },
    "Read the last lines of its log, which are in the facts.",
  );

/** What PostgreSQL's programs wrote before they gave up, as the refusal that says the same. */
export function refusalFromOutput(dir: string, why: string, output: string): Refusal {
  const lines = output.split("\n").filter(Boolean).slice(-20);
  if (/No space left on device|Disk quota exceeded|Check free disk space/.test(output))
    return diskFull(dir, lines);
  if (/Read-only file system/.test(output)) return notWritable(dir, "it is read-only");
  const busy = /could not bind IPv\d address "(.+)": Address already in use[^]*? port (\d+)/.exec(
    output,
  );
  if (busy?.[1]) return portBusy(busy[1], Number(busy[2]));
  const fatal = lines.findLast((line) => /FATAL|PANIC|error:/.test(line));
  return startFailed(dir, fatal?.replace(/^.*?(FATAL|PANIC|error): +/, "") ?? why, lines);
}

/** The same for an operation on files; what is not about the place is a bug and stays one. */
export function refusalFromErrno(dir: string, error: unknown): unknown {
  if (error instanceof Refusal || !(error instanceof Error)) return error;
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOSPC":
    case "EDQUOT":
      return diskFull(dir);
    case "EACCES":
    case "EPERM":
      return notWritable(dir, "permission is denied");
    case "EROFS":
      return notWritable(dir, "it is read-only");
    case "ENOTDIR":
    case "EEXIST":
    case "ELOOP":
    case "ENAMETOOLONG":
      return notWritable(dir, "its path cannot be a directory");
    default:
      return error;
  }
}
