import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import vm from "node:vm";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeEntry, formatReceipt, leafHash, signCheckpoint, utf8 } from "../src/index.ts";
import { mlDsaSigner } from "../src/ml-dsa.ts";
import {
  LOG,
  logFiles,
  OTHER_LOG,
  sampleCheckpoint,
  sampleEntry,
  sampleReceipt,
} from "./samples.ts";

/** What is published, used as its readers use it: the command, the browser's file, the types. */
const root = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "sealbase-verifier-"));
const installed = join(folder, "node_modules/@sealbase/verifier");
const receipt = await sampleReceipt({ index: 2, size: 5 });

beforeAll(async () => {
  mkdirSync(installed, { recursive: true });
  for (const part of ["bin", "package.json"]) {
    cpSync(join(root, part), join(installed, part), { recursive: true });
  }
  symlinkSync(resolve(root, "../node_modules/@noble"), join(folder, "node_modules/@noble"));
  const build = spawnSync(process.execPath, [join(root, "build.ts"), join(installed, "dist")]);
  if (build.status !== 0) throw new Error(build.stderr.toString());
  writeFileSync(join(folder, "receipt"), receipt);
  writeFileSync(join(folder, "checkpoint"), await sampleCheckpoint(5));
  writeFileSync(join(folder, "changed"), receipt.replace("index 2", "index 3"));
  writeFileSync(join(folder, "latin1"), Buffer.from([0xe9]));
  writeFileSync(join(folder, "large"), Buffer.alloc(5_000_000, 10));
  writeFileSync(join(folder, "keys"), `\n${OTHER_LOG.vkey}\n${LOG.vkey}\n`);
});

afterAll(() => rmSync(folder, { recursive: true }));

function command(args: string[], options: { bin?: string; input?: string; env?: object } = {}) {
  const bin = options.bin ?? join(root, "bin/sealbase-verify.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...options.env },
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  return { status, stdout, stderr };
}

describe("the command", () => {
  it("verifies a receipt: JSON off a terminal, lines when asked", () => {
    const { status, stdout } = command(["receipt", "--key", LOG.vkey]);
    expect([status, JSON.parse(stdout)]).toMatchObject([
      0,
      { ok: true, what: "receipt", index: 2, size: 5 },
    ]);
    const lines = command(["receipt", "--key", LOG.vkey, "--no-json"]);
    expect(lines).toMatchObject({ status: 0, stderr: "" });
    expect(lines.stdout).toMatch(
      /^VERIFIED receipt\nlog {5}log.example\/orders\nentry {3}2 of 5, 2026/,
    );
  });

  it("verifies a checkpoint with keys from a file, and from the environment", () => {
    const fromFile = command(["checkpoint", "--key-file", "keys", "--json"]);
    expect([fromFile.status, JSON.parse(fromFile.stdout)]).toMatchObject([
      0,
      { what: "checkpoint", size: 5 },
    ]);
    expect(command(["checkpoint"], { env: { SEALBASE_LOG_KEY: LOG.vkey } }).status).toBe(0);
  });

  it("reads standard input", () => {
    expect(command(["-", "--key", LOG.vkey], { input: receipt }).status).toBe(0);
  });

  it("says no with exit code 1", () => {
    const changed = command(["changed", "--key", LOG.vkey]);
    expect([changed.status, JSON.parse(changed.stdout)]).toMatchObject([
      1,
      { code: "verify/inclusion-wrong" },
    ]);
    const stranger = command(["receipt", "--key", OTHER_LOG.vkey, "--no-json"]);
    expect(stranger.status).toBe(1);
    expect(stranger.stdout).toMatch(
      /^NOT VERIFIED \(verify\/signature-missing\)\nNone of the given keys/,
    );
    expect(command(["-", "--key", LOG.vkey], { input: "" }).status).toBe(1);
  });

  it.each([
    ["no file", []],
    ["two files", ["receipt", "checkpoint", "--key", LOG.vkey]],
    ["no key", ["receipt"]],
    ["an unknown option", ["receipt", "--kye", LOG.vkey]],
    ["a file that is not there", ["absent", "--key", LOG.vkey]],
    ["a file that is not text", ["latin1", "--key", LOG.vkey]],
    ["a file that is too large", ["large", "--key", LOG.vkey]],
    ["a folder without a log", ["node_modules", "--key", LOG.vkey]],
    ["a folder as a key file", ["receipt", "--key-file", "."]],
    ["a key file that is not there", ["receipt", "--key-file", "absent"]],
  ])("exits with 2 for %s, one line and where to look", (_, args) => {
    const { status, stdout, stderr } = command(args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^sealbase-verify: .+\nTry: sealbase-verify --help\n$/);
  });

  it("verifies a folder with the files of a log, and ML-DSA keys when they are given", async () => {
    const second = mlDsaSigner(LOG.name, new Uint8Array(32).fill(9));
    const files = await logFiles(300, [LOG, second]);
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(folder, "log", path)), { recursive: true });
      writeFileSync(join(folder, "log", path), bytes);
    }
    const keys = ["--key", LOG.vkey, "--key", second.vkey];
    for (const bin of [undefined, join(installed, "bin/sealbase-verify.js")]) {
      const { status, stdout } = command(["log", ...keys], bin === undefined ? {} : { bin });
      expect([status, JSON.parse(stdout)]).toMatchObject([
        0,
        { what: "log", size: 300, entries: true, tiles: 3, keys: { length: 2 } },
      ]);
    }
    const lines = command(["log", "--key", LOG.vkey, "--no-json"]);
    expect(lines.stdout).toMatch(/^VERIFIED log\n[^]*\nfiles {3}3 tiles, every entry\n/);
    const tile = join(folder, "log/tile/0/000");
    for (const size of [0, 31, 8_191, 8_193, 9_000]) {
      writeFileSync(tile, Buffer.alloc(size));
      const { status, stdout } = command(["log", ...keys]);
      expect([status, JSON.parse(stdout).code]).toEqual([1, "verify/tile-malformed"]);
    }
    rmSync(tile);
    mkdirSync(tile);
    expect(JSON.parse(command(["log", ...keys]).stdout).code).toBe("verify/file-unreadable");
  });

  it("helps, and tells its version", () => {
    expect(command(["--help"])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("--key-file"),
    });
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      version: string;
    };
    expect(command(["--version"]).stdout).toBe(`${version}\n`);
  });

  it("runs what was built once it is installed below node_modules", () => {
    const bin = join(installed, "bin/sealbase-verify.js");
    expect(command(["receipt", "--key", LOG.vkey], { bin }).status).toBe(0);
    expect(command(["changed", "--key", LOG.vkey], { bin }).status).toBe(1);
    expect(command(["--version"], { bin }).status).toBe(0);
    cpSync(join(root, "src"), join(installed, "src"), { recursive: true });
    expect(command(["receipt", "--key", LOG.vkey], { bin }).status).toBe(0);
    rmSync(join(installed, "src"), { recursive: true });
  });

  it("keeps control and direction characters from the terminal", async () => {
    const renamed = receipt.replace(/— \S+/, "— \u202eevil\u009b31m");
    const entry = utf8(encodeEntry({ ...sampleEntry(0), actor: "\u202eevil\u009b31m\n" }));
    const head = { origin: LOG.name, size: 1, root: leafHash(entry) };
    const checkpoint = await signCheckpoint(head, [LOG]);
    const sealed = formatReceipt({ index: 0, proof: [], entry, checkpoint });
    for (const [input, status] of [
      [renamed, 1],
      [sealed, 0],
    ] as const) {
      const answer = command(["-", "--key", LOG.vkey, "--no-json"], { input });
      expect(answer.status).toBe(status);
      expect(answer.stdout).toContain("\\u{202e}evil\\u{9b}31m");
      expect(answer.stdout).not.toMatch(/[\u202e\u009b]/);
    }
  });
});

describe("the browser's file", () => {
  it("verifies in a world that has nothing of Node", async () => {
    const module = readFileSync(join(installed, "dist/browser.js"), "utf8");
    expect(module).not.toMatch(/from\s*["']|\bimport\s*\(/);
    const { code } = await transform(module, { format: "iife", globalName: "verifier" });
    const world = vm.createContext({ TextEncoder, TextDecoder, receipt, key: LOG.vkey });
    vm.runInContext(code, world);
    expect(vm.runInContext("typeof process + typeof Buffer + typeof require", world)).toBe(
      "undefined".repeat(3),
    );
    const answer = vm.runInContext("JSON.stringify(verifier.verifyReceipt(receipt, [key]))", world);
    expect(JSON.parse(answer)).toMatchObject({
      ok: true,
      index: 2,
      size: 5,
      entry: { actor: "user:2" },
    });
    const wrong = "verifier.verifyReceipt(receipt.replace('index 2', 'index 3'), [key]).code";
    expect(vm.runInContext(wrong, world)).toBe("verify/inclusion-wrong");
  });
});

describe("the browser's files", () => {
  it("load no post-quantum code to check Ed25519", () => {
    const size = (file: string) => readFileSync(join(installed, "dist", file)).length;
    expect(size("browser.js")).toBeLessThan(70_000);
    expect(readFileSync(join(installed, "dist/browser.js"), "utf8")).not.toMatch(
      /ML-DSA44|ml_dsa/i,
    );
    expect(readFileSync(join(installed, "dist/index.js"), "utf8")).not.toContain("post-quantum");
  });

  it("verify ML-DSA-44 where both are loaded", async () => {
    const second = mlDsaSigner(LOG.name, new Uint8Array(32).fill(9));
    const note = await sampleCheckpoint(5, [LOG, second] as never);
    const world = vm.createContext({
      TextEncoder,
      TextDecoder,
      note,
      keys: [LOG.vkey, second.vkey],
    });
    for (const [file, globalName] of [
      ["browser.js", "verifier"],
      ["browser-ml-dsa.js", "mlDsa"],
    ] as const) {
      const module = readFileSync(join(installed, "dist", file), "utf8");
      vm.runInContext((await transform(module, { format: "iife", globalName })).code, world);
    }
    const check = "verifier.verifyCheckpoint(note, [keys[0], mlDsa.mlDsaVerifier(keys[1])])";
    expect(vm.runInContext(`${check}.keys.length`, world)).toBe(2);
  });
});

describe("the types", () => {
  it("are those of the functions", () => {
    const reader = `
      import { type Entry, verifyReceipt } from "@sealbase/verifier";
      import { mlDsaVerifier } from "@sealbase/verifier/ml-dsa";
      verifyReceipt("text", ["key", mlDsaVerifier("key")]);
      const answer = verifyReceipt("text", ["key"]);
      if (answer.ok) { const entry: Entry = answer.entry; void entry; }
      // @ts-expect-error: a message is text
      else { const message: number = answer.message; void message; }
    `;
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    writeFileSync(join(folder, "reader.ts"), reader);
    const tsc = resolve(root, "../node_modules/typescript/bin/tsc");
    const options = "--ignoreConfig --noEmit --strict --target es2022 --module nodenext --types";
    const check = spawnSync(process.execPath, [tsc, ...options.split(" "), "", "reader.ts"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect([check.stdout, check.status]).toEqual(["", 0]);
  });
});
