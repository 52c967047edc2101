import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sealbase } from "./sealbase.ts";

const BIN = join(import.meta.dirname, "../../bin/sealbase.js");
const HOW_TO = join(import.meta.dirname, "../../../docs/how-to");

/** What one command came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs commands of how-tos as they stand, in one folder; `npx sealbase` without a registry. */
export class Shell {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(sealbase: Sealbase) {
    this.folder = join(sealbase.dir, "how-to");
    const bin = join(this.folder, "bin");
    mkdirSync(bin, { recursive: true });
    const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${BIN}" "$@"\n`;
    writeFileSync(join(bin, "npx"), npx, { mode: 0o755 });
    const path = `${bin}:${join(process.execPath, "..")}:${process.env["PATH"]}`;
    this.#env = { ...sealbase.env, PATH: path };
  }

  run(command: string): Promise<Ran> {
    return new Promise((resolve) => {
      execFile("sh", ["-c", command], { cwd: this.folder, env: this.#env }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
      );
    });
  }
}

export const textOf = (name: string): string => readFileSync(join(HOW_TO, `${name}.md`), "utf8");

export type Told = Readonly<Record<string, unknown>>;

/**
 * Does what a how-to says, from top to bottom: its blocks become files, its commands run. Gives what each operation told, in
 * order: its output, or the items of a stream; as `node` what was printed between.
 * @param after waits for what an operation began
 */
export async function follow(
  sealbase: Sealbase,
  name: string,
  after: (operation: string, output: Told | readonly Told[]) => Promise<void> = async () => {},
): Promise<Readonly<Record<string, readonly (Told | readonly Told[])[]>>> {
  const shell = new Shell(sealbase);
  const told: Record<string, (Told | readonly Told[])[]> = {};
  const steps =
    /^([^\n]*)\n\n```(?:cedar|cedarschema|json)\n([^]*?)^```$|^ {4}((?:npx|node) .*)$/gm;
  for (const [, before, block, command] of textOf(name).matchAll(steps)) {
    if (block !== undefined) keep(shell, before!, block);
    if (command === undefined) continue;
    const { code, out, err } = await shell.run(command);
    if (code !== 0) throw new Error(`${command}: ${err}`);
    if (out === "") continue;
    const called = /sealbase (?:call )?(\S+)/.exec(command)?.[1];
    if (called === undefined) (told["node"] ??= []).push({ text: out.trim() });
    else {
      (told[called] ??= []).push(toldOf(out));
      await after(called, toldOf(out));
    }
  }
  return told;
}

/** A block is the file that the line before it names last, or goes to the end of `policies.cedar`. */
function keep(shell: Shell, before: string, block: string): void {
  const names = [...before.matchAll(/`([\w-]+\.(?:cedar|cedarschema|json))`/g)];
  const file = names.at(-1)?.[1] ?? "policies.cedar";
  const write = file === "policies.cedar" ? appendFileSync : writeFileSync;
  write(join(shell.folder, file), block);
}

/** One object over several lines, or one a line. */
function toldOf(stdout: string): Told | readonly Told[] {
  if (stdout.startsWith("{\n")) return JSON.parse(stdout).output;
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
