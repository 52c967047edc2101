import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Sealbase } from "./sealbase.ts";

const DOCS = join(import.meta.dirname, "../../../docs/how-to");
const BIN = join(import.meta.dirname, "../../bin/sealbase.js");

const STEPS = /^```cedar\n([^]*?)^```$|^ {4}((?:npx|node) .*)$/gm;

export type Told = Readonly<Record<string, unknown>>;

/** One object over several lines, or one a line. */
function toldIn(out: string): Told | readonly Told[] {
  if (out.startsWith("{\n")) return JSON.parse(out).output;
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** What one command of a text came to. */
export interface Ran {
  readonly command: string;
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A text under docs/how-to, and a folder with data in which its commands are run as they stand. */
export class HowTo {
  readonly sealbase: Sealbase;
  readonly text: string;
  readonly folder: string;
  readonly #path: string;

  private constructor(sealbase: Sealbase, name: string) {
    this.sealbase = sealbase;
    this.text = readFileSync(join(DOCS, name), "utf8");
    this.folder = join(sealbase.dir, "how-to");
    const bin = join(this.folder, "bin");
    mkdirSync(bin, { recursive: true });
    // `npx sealbase …`, without a registry.
    const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${BIN}" "$@"\n`;
    writeFileSync(join(bin, "npx"), npx, { mode: 0o755 });
    this.#path = `${bin}:${join(process.execPath, "..")}:${process.env["PATH"]}`;
  }

  static async open(name: string): Promise<HowTo> {
    const sealbase = await Sealbase.make();
    const running = sealbase.start(["start"]);
    await running.until(/Up\. Ctrl-C stops\./);
    running.child.kill("SIGTERM");
    await running.ended;
    return new HowTo(sealbase, name);
  }

  /**
   * Does what the text says, from top to bottom: its Cedar goes into `policies.cedar`, its commands run. Gives what each
   * operation told, in order: its output, or the items of a stream.
   */
  async follow(): Promise<Readonly<Record<string, readonly (Told | readonly Told[])[]>>> {
    const told: Record<string, (Told | readonly Told[])[]> = {};
    for (const [, cedar, command] of this.text.matchAll(STEPS)) {
      if (cedar !== undefined) appendFileSync(join(this.folder, "policies.cedar"), cedar);
      if (command === undefined) continue;
      const { code, out, err } = await this.run(command);
      if (code !== 0) throw new Error(`${command}: ${err}`);
      const called = /sealbase call (\S+)/.exec(command)?.[1];
      if (called !== undefined && out !== "") (told[called] ??= []).push(toldIn(out));
    }
    return told;
  }

  run(command: string): Promise<Ran> {
    const env = { ...this.sealbase.env, PATH: this.#path };
    return new Promise((resolve) => {
      execFile("sh", ["-c", command], { cwd: this.folder, env }, (error, out, err) =>
        resolve({ command, code: error === null ? 0 : Number(error.code ?? -1), out, err }),
      );
    });
  }
}
