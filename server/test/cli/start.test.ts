import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
let first: { readonly out: string; readonly code: number | null };
beforeAll(async () => {
  sealbase = await Sealbase.make();
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  running.child.kill("SIGINT");
  first = await running.ended;
}, 120_000);
afterAll(() => sealbase.close());

test("the first start shows the main job: a key once, 2,000 calls, a table, a why, a checkpoint, a checked receipt", () => {
  expect(first.out).toMatch(/Sealbase at http:\/\/127\.0\.0\.1:\d+/);
  expect(first.out.match(/sk_[0-9a-z]{12}_[\w-]{43}/g)).toHaveLength(1);
  expect(first.out).toMatch(/^all +1,?\d+ +\d+$/m);
  for (const level of ["LOW", "MEDIUM", "HIGH", "CRITICAL"])
    expect(first.out).toContain(`score ${level}`);
  expect(first.out).toMatch(/risk\.transaction\.assess by .*: refused \(score\/too_risky\)/);
  expect(first.out).toMatch(/Checkpoint of .*: \d+ entries, root/);
  expect(first.out).toMatch(/Receipt of that entry verified offline/);
});

test("Ctrl-C stops cleanly, and what was pending is sealed", () => {
  expect(first.code).toBe(0);
  expect(first.out).toContain("Stopping");
});

test("the key is kept for this machine, readable by its owner only", () => {
  const file = join(sealbase.dir, "key");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(first.out).toContain(readFileSync(file, "utf8").trim());
});

test("the second start opens the same data, quickly, and seeds nothing", async () => {
  const before = await entries();
  const start_ms = performance.now();
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  const took_ms = performance.now() - start_ms;
  const [, url] = await running.until(/at (http:\/\/[^,]+),/);
  const me = await fetch(`${url}/v1/me`, {
    headers: { authorization: `Bearer ${readFileSync(join(sealbase.dir, "key"), "utf8").trim()}` },
  });
  expect(me.status).toBe(200);
  running.child.kill("SIGTERM");
  const { code, out } = await running.ended;
  expect(code).toBe(0);
  expect(out).not.toMatch(/sk_/);
  // Budget: 2 s; a busy machine gets twice that before the test calls it broken.
  expect(took_ms).toBeLessThan(4_000);
  expect(await entries()).toBeLessThan(before + 10);
});

test("a second start on the same folder refuses with one clear line, and commands beside it work", async () => {
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  const second = await sealbase.run(["start"]);
  expect(second.code).toBe(3);
  expect(second.err).toMatch(/^engine\/directory_in_use: /);
  const status = await sealbase.run(["status", "--json"]);
  expect(status.code).toBe(0);
  expect(JSON.parse(status.out)).toMatchObject({
    engine: "embedded",
    ready: [],
    project: { name: "demo" },
  });
  running.child.kill("SIGTERM");
  await running.ended;
});

test("a busy port is refused by name, and nothing is left running", async () => {
  const running = sealbase.start(["start"]);
  const [, port] = await running.until(/127\.0\.0\.1:(\d+),/);
  const other = await Sealbase.make();
  const refused = await other.run(["start"], { SEALBASE_PORT: port! });
  expect(refused.code).toBe(3);
  expect(refused.err).toMatch(/^config\/port_busy: .*\n(.*\n)*→ .*SEALBASE_PORT/);
  await other.close();
  running.child.kill("SIGTERM");
  await running.ended;
});

async function entries(): Promise<number> {
  const { out } = await sealbase.run(["call", "ledger.checkpoint.get"]);
  return JSON.parse(out).output.size;
}
