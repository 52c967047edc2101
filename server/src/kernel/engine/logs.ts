import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unlinkIfThere } from "./files.ts";
import { LOG_FILES_MAX } from "./settings.ts";

/** PostgreSQL's own log: home/log/postgres-<time>.log, and home/start.log until its collector runs. */

const LOG_NAME = /^postgres-\d{8}-\d{6}\.log$/;
const PRUNE_EVERY_MS = 60 * 60_000;

/** What was logged since a start that failed. */
export async function startedLines(home: string, since_ms: number): Promise<string> {
  const newest = (await logFiles(home)).at(-1);
  const parts = [join(home, "start.log")];
  // File systems keep times in steps of up to a second or two.
  if (newest && (await stat(newest)).mtimeMs >= since_ms - 2_000) parts.push(newest);
  const texts = await Promise.all(parts.map((path) => readFile(path, "utf8").catch(() => "")));
  return texts.map((text) => text.slice(-10_000)).join("");
}

/** The collector starts new files and never removes old ones; this keeps the newest, until stopped. */
export function pruneLogs(home: string): { stop(): void } {
  const stopped = new AbortController();
  void prune();
  return { stop: () => stopped.abort() };

  async function prune(): Promise<void> {
    while (!stopped.signal.aborted) {
      for (const path of (await logFiles(home)).slice(0, -LOG_FILES_MAX)) await unlinkIfThere(path);
      const options = { ref: false, signal: stopped.signal };
      await sleep(PRUNE_EVERY_MS, undefined, options).catch(() => undefined);
    }
  }
}

async function logFiles(home: string): Promise<string[]> {
  const names = await readdir(join(home, "log")).catch(() => []);
  return names
    .filter((name) => LOG_NAME.test(name))
    .sort()
    .map((name) => join(home, "log", name));
}
