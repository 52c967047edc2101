import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CompactRange,
  consistencyProof,
  ed25519Signer,
  formatAddCheckpoint,
  type HashAt,
  leafHash,
  signCheckpoint,
  utf8,
} from "#verifier";

const BIN = join(import.meta.dirname, "../bin/sealbase.js");

/** A witness as a process of its own, as its operator starts it; it keeps its folder and port when it is killed. */
export class WitnessRig {
  readonly dir = mkdtempSync(join(tmpdir(), "sealbase-witness-"));
  readonly name: string;
  readonly logsFile = join(this.dir, "logs.txt");
  readonly data = join(this.dir, "data");
  vkey = "";
  url = "";
  #child: ReturnType<typeof spawn> | undefined;
  #errors = "";

  constructor(name = "witness.test/w1") {
    this.name = name;
  }

  /** Logs that it signs for; a running one is told. */
  async know(...vkeys: string[]): Promise<void> {
    writeFileSync(
      this.logsFile,
      [...vkeys.map((vkey) => `log ${vkey}`), "quorum none", ""].join("\n"),
    );
    if (this.#child === undefined) return;
    const before = this.#errors.length;
    this.#child.kill("SIGHUP");
    await until(() => this.#errors.slice(before).includes("list of logs"));
  }

  async start(): Promise<void> {
    const listen = this.url === "" ? "127.0.0.1:0" : new URL(this.url).host;
    const args = ["witness", "--name", this.name, "--logs", this.logsFile, "--data", this.data];
    const child = spawn(process.execPath, [BIN, ...args, "--listen", listen, "--json"], {
      env: { PATH: process.env["PATH"] ?? "" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    const ready = Promise.withResolvers<string>();
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (out.includes("\n")) ready.resolve(out);
    });
    child.once("exit", (code) => ready.reject(new Error(`ended with ${code}: ${this.#errors}`)));
    const { vkey, url } = JSON.parse(await ready.promise) as { vkey: string; url: string };
    this.#child = child;
    this.vkey = vkey;
    this.url = url;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  add(body: string | Uint8Array): Promise<Reply> {
    return this.#ask("add-checkpoint", { method: "POST", body: body as BodyInit });
  }

  get(path: string): Promise<Reply> {
    return this.#ask(path.replace(/^\//, ""), {});
  }

  /** What it wrote to its log. */
  get lines(): string {
    return this.#errors;
  }

  async close(): Promise<void> {
    await this.kill("SIGTERM");
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #ask(path: string, init: RequestInit): Promise<Reply> {
    const answer = await fetch(new URL(path, this.url), init);
    return {
      status: answer.status,
      type: answer.headers.get("content-type"),
      text: await answer.text(),
    };
  }
}

export interface Reply {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

async function until(holds: () => boolean): Promise<void> {
  const end_ms = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end_ms) throw new Error("it did not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A log in memory with a key of its own, to ask a witness with. `word` makes its leaves differ from another's. */
export function memoryLog(origin: string, seed: number, word = "leaf") {
  const signer = ed25519Signer(origin, new Uint8Array(32).fill(seed));
  const rangeOf = (from: number, to: number, forkedAt: number, other: string) => {
    const range = new CompactRange();
    for (let i = from; i < to; i++)
      range.append(leafHash(utf8(`${i < forkedAt ? word : other} ${i}`)));
    return range;
  };
  /** The log itself, or what it became when it was rewritten from `forkedAt` on. */
  const history = (forkedAt = Number.POSITIVE_INFINITY, other = "forked") => {
    const hashAt: HashAt = (level, index) =>
      rangeOf(index * 2 ** level, (index + 1) * 2 ** level, forkedAt, other).root();
    const checkpoint = (size: number, signers: { name: string }[] = [signer]) =>
      signCheckpoint(
        { origin, size, root: rangeOf(0, size, forkedAt, other).root() },
        signers as (typeof signer)[],
      );
    const proof = (old: number, size: number) => consistencyProof(old, size, hashAt);
    const request = async (old: number, size: number) =>
      formatAddCheckpoint({
        old,
        proof: await proof(old, size),
        checkpoint: await checkpoint(size),
      });
    return { checkpoint, proof, request, hashAt };
  };
  return { ...signer, origin, ...history(), history };
}
