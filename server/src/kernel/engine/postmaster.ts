import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "#kernel/refusal.ts";
import { program } from "./binaries.ts";
import { readIfThere } from "./files.ts";
import { ENVIRONMENT } from "./initialise.ts";
import { startedLines } from "./logs.ts";
import type { Place } from "./place.ts";
import { bornOf, exists, isPostmasterOf } from "./process.ts";
import { directoryInUse, refusalFromOutput } from "./refusals.ts";
import { answers, socketPath } from "./socket.ts";

/** One running PostgreSQL server, ours by birth or by adoption. */
export type Postmaster = {
  readonly pid: number;
  /** Resolves when it has ended, with how it ended. */
  readonly gone: Promise<string>;
};

/** What the server says of itself in postmaster.pid. */
export type PidFile = {
  readonly pid: number;
  readonly port: number;
  readonly socketDirectory: string;
  readonly status: string;
};

const READY_POLL_MS = 10;
/** Recovery after a crash replays at most max_wal_size; a server that needs longer than this hangs. */
const START_LIMIT_MS = 10 * 60_000;
const BACKENDS_LIMIT_MS = 10_000;
const BACKENDS_POLL_MS = 50;
const ADOPTED_POLL_MS = 200;
const FAST_LIMIT_MS = 30_000;
const IMMEDIATE_LIMIT_MS = 5_000;
const KILL_LIMIT_MS = 5_000;

/** Starts the server. The backends of one that was killed may take a moment to notice; that is waited for. */
export async function launch(place: Place): Promise<Postmaster> {
  for (const until = Date.now() + BACKENDS_LIMIT_MS; ; await sleep(BACKENDS_POLL_MS)) {
    try {
      return await launchOnce(place);
    } catch (error) {
      const shared = error instanceof Refusal && /pre-existing shared memory/.test(error.message);
      if (!shared || Date.now() > until) throw error;
    }
  }
}

async function launchOnce(place: Place): Promise<Postmaster> {
  const { dir, home, pg, binaries, identity } = place;
  await disownRecycledPid(place);
  const since_ms = Date.now();
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;
  const output = await open(join(home, "start.log"), flags | constants.O_NOFOLLOW, 0o600);
  let gone: Promise<string>;
  let pid: number | undefined;
  try {
    // Its own process group: a Ctrl-C in our terminal is for us, and our end is not its end.
    const child = spawn(program(binaries, "postgres"), ["-D", pg], {
      ...identity,
      detached: true,
      cwd: "/",
      env: ENVIRONMENT,
      stdio: ["ignore", output.fd, output.fd],
    });
    gone = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? code}`));
    });
    child.unref();
    pid = child.pid;
  } finally {
    await output.close();
  }
  if (pid !== undefined && (await untilReady(pg, pid, gone))) return { pid, gone };
  if (pid !== undefined) await shutDown({ pid, gone });
  throw refusalFromOutput(dir, await gone, await startedLines(home, since_ms));
}

/** The server that a killed predecessor left behind. It is no child of ours, so its end has to be looked for. */
export async function adopt({ pid }: PidFile): Promise<Postmaster> {
  const born = await bornOf(pid);
  return { pid, gone: watch() };

  async function watch(): Promise<string> {
    while (born !== undefined && (await bornOf(pid)) === born) {
      await sleep(ADOPTED_POLL_MS, undefined, { ref: false });
    }
    return "it ended";
  }
}

/** The server that runs on this cluster, if one does, in whatever state. */
export async function findRunning({ dir, pg }: Place): Promise<PidFile | undefined> {
  const file = await readPidFile(pg);
  if (!file) return undefined;
  if (await isPostmasterOf(file.pid, pg)) return file;
  // The pid may belong to another container that shares this volume: the socket, being a file, tells. The end of
  // a server that was killed a moment ago is waited for.
  for (let attempt = 0; await answers(socketPath(file.socketDirectory, file.port)); attempt++) {
    if (attempt === 20) throw directoryInUse(dir, file.pid);
    await sleep(100);
  }
  return undefined;
}

/** True once it accepts connections; false when it ended instead, or never got there. */
export async function untilReady(pg: string, pid: number, gone: Promise<string>): Promise<boolean> {
  let ended = false;
  void gone.then(() => (ended = true));
  for (const until = Date.now() + START_LIMIT_MS; !ended && Date.now() < until; ) {
    const file = await readPidFile(pg);
    if (file?.pid === pid && file.status === "ready") return true;
    await sleep(READY_POLL_MS);
  }
  return false;
}

/** Fast: clients are cut off, everything is written, no recovery next time. Then less and less polite. */
export async function shutDown({ pid, gone }: Postmaster): Promise<void> {
  const steps = [
    ["SIGINT", FAST_LIMIT_MS],
    ["SIGQUIT", IMMEDIATE_LIMIT_MS],
    ["SIGKILL", KILL_LIMIT_MS],
  ] as const;
  for (const [signal, limit_ms] of steps) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    const timer = new AbortController();
    const late = sleep(limit_ms, "late", { signal: timer.signal }).catch(() => "late");
    const outcome = await Promise.race([gone, late]);
    timer.abort();
    if (outcome !== "late") return;
  }
}

/** Whether the next start has to recover: what pg_control says is what PostgreSQL itself will go by. */
export async function wasCutOff(pg: string): Promise<boolean> {
  const control = await readFile(join(pg, "global", "pg_control"));
  const state = control.readInt32LE(16); // after system_identifier, pg_control_version and catalog_version_no
  return state !== 1 && state !== 2; // DB_SHUTDOWNED, DB_SHUTDOWNED_IN_RECOVERY
}

async function readPidFile(pg: string): Promise<PidFile | undefined> {
  const text = (await readIfThere(join(pg, "postmaster.pid")))?.toString("utf8");
  if (text === undefined) return undefined;
  const [pid, , , port, socketDirectory = "", , , status = ""] = text.split("\n");
  return { pid: Number(pid), port: Number(port), socketDirectory, status: status.trim() };
}

/**
 * PostgreSQL does not start while the pid in its lock files exists, whoever has it now, be it a zombie. The files must
 * stay, because one names the shared memory that tells of surviving backends; so the pid becomes ours, the parent's,
 * which it ignores.
 */
async function disownRecycledPid({ pg }: Place): Promise<void> {
  const file = await readPidFile(pg);
  if (!file) return;
  const socketLock = `${socketPath(file.socketDirectory, file.port)}.lock`;
  for (const path of [join(pg, "postmaster.pid"), socketLock]) {
    const text = await readIfThere(path);
    const [pid, ...rest] = text?.toString("utf8").split("\n") ?? [];
    if (!pid || !exists(Number(pid))) continue;
    const handle = await open(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
    try {
      await handle.writeFile([process.pid, ...rest].join("\n"));
    } finally {
      await handle.close();
    }
  }
}
