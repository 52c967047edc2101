import { readFileSync } from "node:fs";
import { parsePolicy, VerifyError, verifierOf } from "#verifier";
import type { Log } from "./judge.ts";
import { badLogs } from "./refusals.ts";

/** The logs that a file lists (c2sp.org/tlog-policy: its `log` lines), by origin. A log with a new key has two lines. */
export function readLogs(file: string): ReadonlyMap<string, Log> {
  const logs = new Map<string, Log>();
  for (const { vkey, key } of parse(file).logs) {
    const { vkeys = [], verifiers = [] } = logs.get(key.name) ?? {};
    logs.set(key.name, {
      origin: key.name,
      vkeys: [...vkeys, vkey],
      verifiers: [...verifiers, verifierOf(key)],
    });
  }
  return logs;
}

function parse(file: string) {
  try {
    return parsePolicy(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof VerifyError) throw badLogs(file, error.message);
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : badLogs(file, code);
  }
}
