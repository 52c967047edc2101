import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const INSTALL_MS = 180_000;
const folder = mkdtempSync(join(tmpdir(), "sealbase-package-"));
const installed = join(folder, "installed");

/** Both Nodes that there are: the pinned one, and the one that the machine has. */
const NODES = [...new Set([process.execPath, nodeOfMachine() ?? process.execPath])];

beforeAll(() => {
  mkdirSync(installed);
  for (const workspace of ["verifier", "sdk", "server"])
    execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
      cwd: join(ROOT, workspace),
      stdio: ["ignore", "ignore", "inherit"],
    });
  writeFileSync(join(installed, "package.json"), '{ "private": true, "type": "module" }');
  const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  expect(tarballs).toHaveLength(3);
  const words = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", [...words, ...tarballs.map((name) => join(folder, name))], {
    cwd: installed,
    stdio: ["ignore", "ignore", "inherit"],
  });
}, INSTALL_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("what is installed", () => {
  it("has SQL files, built code and the licence, and no sources", () => {
    const server = join(installed, "node_modules/@sealbase/server");
    const files = readdirSync(server, { recursive: true }) as string[];
    expect(files).toContain("src/kernel/migrations/0001_ground.up.sql");
    expect(files).toContain("dist/LICENSE");
    expect(files.filter((name) => /\.ts$|test/.test(name))).toEqual([]);
  });
});

describe.each(NODES)("on the Node of %s", (node) => {
  it("answers --help quickly", () => {
    expect(run(node, "sealbase", "--help").stdout).toContain("Usage: sealbase COMMAND");
    const fastest_ms = Math.min(
      ...[1, 2, 3].map(() => timed(() => run(node, "sealbase", "--help"))),
    );
    expect(fastest_ms).toBeLessThan(500);
  });

  it("lists its operations", () => {
    const { stdout } = run(node, "sealbase", "operations", "--json");
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({ name: "risk.transaction.assess" }),
    );
  });

  it("has a verifier", () => {
    expect(run(node, "sealbase-verify", "--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("has a client, with types and without dependencies", () => {
    const script = 'import("@sealbase/client").then((all) => console.log(Object.keys(all).join()))';
    const { stdout } = spawnSync(node, ["-e", script], { cwd: installed, encoding: "utf8" });
    expect(stdout.trim().split(",")).toContain("SealbaseClient");
    const client = join(installed, "node_modules/@sealbase/client");
    expect(existsSync(join(client, "dist/index.d.ts"))).toBe(true);
    expect(existsSync(join(client, "node_modules"))).toBe(false);
  });

  it("starts on an empty folder, seals what its client sends, and stops", async () => {
    const server = start(node, { SEALBASE_DATA: join(folder, `data-${NODES.indexOf(node)}`) });
    try {
      const said = await saidUntil(server, /^Up\./m);
      const url = /^Sealbase at (http\S+?),/m.exec(said)![1]!;
      const key = /^ {2}(sk_\S+)$/m.exec(said)![1]!;
      const script = join(installed, "assess.js");
      writeFileSync(script, ASSESS);
      const called = spawnSync(node, [script, url, key], { cwd: installed, encoding: "utf8" });
      expect(called.stderr).toBe("");
      const [logKey, ...receipt] = called.stdout.split("\n");
      writeFileSync(join(installed, "receipt"), receipt.join("\n"));
      const { stdout } = run(node, "sealbase-verify", "receipt", "--key", logKey!);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    } finally {
      server.kill("SIGINT");
    }
    expect(await ended(server)).toBe(0);
  }, 120_000);

  it("says what is wrong with a DATABASE_URL", async () => {
    const server = start(node, { DATABASE_URL: "not a url" });
    await expect(saidUntil(server, /^Up\./m)).rejects.toThrow("config/bad_database_url");
  });
});

/** Prints the log's key and the receipt of a payment. */
const ASSESS = `
import { SealbaseClient } from "@sealbase/client";
const client = new SealbaseClient({ url: process.argv[2], key: process.argv[3] });
// The thread with Cedar is a file of its own in the package.
const { valid } = await client.authz.policyText.check({ text: "permit (principal, action, resource);" });
if (!valid) throw new Error("not valid");
const payment = { type: "DEBIT", amount_cents: 1, origin_account: "A", destination_account: "B" };
const { id } = await client.risk.transaction.assess(payment);
const { receipt } = await client.ledger.receipt.get({ id });
const { keys } = await client.ledger.checkpoint.get();
process.stdout.write(keys[0] + "\\n" + receipt);
`;

const start = (node: string, env: Record<string, string>): ChildProcess =>
  spawn(node, [bin("sealbase"), "start"], {
    cwd: installed,
    env: { PATH: process.env["PATH"], HOME: folder, SEALBASE_PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });

function run(node: string, name: string, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync(node, [bin(name), ...words], {
    cwd: installed,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  return { stdout };
}

const bin = (name: string): string => join(installed, "node_modules/.bin", name);

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function nodeOfMachine(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders
    .filter((path) => !path.includes("node_modules"))
    .map((path) => join(path, "node"))
    .find((file) => existsSync(file));
}

/** Everything that a program wrote up to a line; its end before that is a failure with what it wrote. */
function saidUntil(child: ChildProcess, line: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      if (line.test(said)) resolve(said);
    };
    child.stdout!.on("data", hear);
    child.stderr!.on("data", hear);
    child.once("exit", (code) => reject(new Error(`ended with ${code}:\n${said}`)));
  });
}

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode === null
    ? new Promise((resolve) => child.once("exit", resolve))
    : Promise.resolve(child.exitCode);
