import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BIN = join(import.meta.dirname, "../../bin/sealbase.js");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A data folder of its own, and the command line in it. */
export class Sealbase {
  readonly dir: string;
  readonly env: Record<string, string>;
  readonly #children = new Set<ChildProcess>();

  private constructor(dir: string) {
    this.dir = dir;
    this.env = { SEALBASE_DATA: dir, SEALBASE_PORT: "0" };
  }

  static async make(): Promise<Sealbase> {
    const dir = await mkdtemp(join(tmpdir(), "sealbase-cli-"));
    await chmod(dir, 0o755);
    return new Sealbase(dir);
  }

  /** The same with an engine and a first project, as a server has left them that ran and was stopped. */
  static async started(): Promise<Sealbase> {
    const sealbase = await Sealbase.make();
    const running = sealbase.start(["start"]);
    await running.until(/Up\. Ctrl-C stops\./);
    running.child.kill("SIGTERM");
    await running.ended;
    return sealbase;
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  /** Starts a command that stays up; `until` waits for something that it prints. */
  start(args: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { PATH: process.env["PATH"] ?? "", ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on("close", (code) => {
        this.#children.delete(child);
        resolve({ code, out, err });
      });
    });
    const until = (wanted: RegExp): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = wanted.exec(out) ?? wanted.exec(err);
          if (found !== null) resolve(found);
        };
        child.stdout.on("data", look);
        child.stderr.on("data", look);
        void ended.then(() =>
          reject(new Error(`ended before it printed ${wanted}:\n${out}\n${err}`)),
        );
        look();
      });
    return { child, ended, until };
  }

  /** Ends what is still running and removes the folder. */
  async close(): Promise<void> {
    const running = [...this.#children];
    for (const child of running) child.kill("SIGTERM");
    await Promise.all(running.map((child) => new Promise((resolve) => child.on("close", resolve))));
    await rm(this.dir, { recursive: true, force: true });
  }
}
