import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Sealbase } from "./sealbase.ts";

const BIN = join(import.meta.dirname, "../../bin/sealbase.js");
const HOW_TO = join(import.meta.dirname, "../../../docs/how-to");

export type Told = Readonly<Record<string, unknown>>;

/**
 * Does what a how-to says, from top to bottom: its Cedar goes into `policies.cedar`, its commands run. Gives what each operation
 * told, in order: its output, or the items of a stream.
 */
export async function follow(
  sealbase: Sealbase,
  name: string,
): Promise<Readonly<Record<string, readonly (Told | readonly Told[])[]>>> {
  const cwd = join(sealbase.dir, "how-to");
  mkdirSync(join(cwd, "bin"), { recursive: true });
  writeFileSync(
    join(cwd, "bin/npx"),
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${BIN}" "$@"\n`,
    { mode: 0o755 },
  );
  const PATH = `${join(cwd, "bin")}:${join(process.execPath, "..")}:${process.env["PATH"]}`;
  const env = { ...sealbase.env, PATH };
  const told: Record<string, (Told | readonly Told[])[]> = {};
  const steps = /^```cedar\n([^]*?)^```$|^ {4}((?:npx|node) .*)$/gm;
  for (const [, cedar, command] of readFileSync(join(HOW_TO, `${name}.md`), "utf8").matchAll(
    steps,
  )) {
    if (cedar !== undefined) appendFileSync(join(cwd, "policies.cedar"), cedar);
    if (command === undefined) continue;
    const { stdout } = await promisify(execFile)("sh", ["-c", command], { cwd, env });
    const called = /sealbase call (\S+)/.exec(command)?.[1];
    if (called !== undefined && stdout !== "") (told[called] ??= []).push(toldOf(stdout));
  }
  return told;
}

/** One object over several lines, or one a line. */
function toldOf(stdout: string): Told | readonly Told[] {
  if (stdout.startsWith("{\n")) return JSON.parse(stdout).output;
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
