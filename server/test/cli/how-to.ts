import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Sealbase } from "./sealbase.ts";

const DOCS = join(import.meta.dirname, "../../../docs/how-to");
const BIN = join(import.meta.dirname, "../../bin/sealbase.js");

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

  run(command: string): Promise<Ran> {
    const env = { ...this.sealbase.env, PATH: this.#path };
    return new Promise((resolve) => {
      execFile("sh", ["-c", command], { cwd: this.folder, env }, (error, out, err) =>
        resolve({ command, code: error === null ? 0 : Number(error.code ?? -1), out, err }),
      );
    });
  }
}
