import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../system.ts";
import { openFixture } from "./mcp-fixture.ts";

const SUITE = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));
const EXPECTED = join(import.meta.dirname, "mcp-conformance.yml");
/** Of version 0.1.16, which is pinned. */
const SCENARIOS = 32;
const TIMEOUT_MS = 120_000;

let system: TestSystem;
let fixture: Awaited<ReturnType<typeof openFixture>>;
let folder: string;
beforeAll(async () => {
  system = await openTestSystem();
  fixture = await openFixture(system);
  folder = await mkdtemp(join(tmpdir(), "sealbase-mcp-"));
});
afterAll(async () => {
  await fixture.close();
  await system.stop();
  await rm(folder, { recursive: true });
});

/** Runs every server scenario against the fixture, in a process of its own. */
function runSuite(...more: string[]): Promise<{ readonly code: number; readonly out: string }> {
  const words = [SUITE, "server", "--url", fixture.url, "--suite", "all", "-o", folder, ...more];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: folder, timeout: TIMEOUT_MS }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out: `${out}${err}` }),
    );
  });
}

test("the protocol's own suite finds nothing that is not expected", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { code, out } = await runSuite("--expected-failures", EXPECTED);
  expect(out.match(/^=== Running scenario/gm), out).toHaveLength(SCENARIOS);
  expect(code, out).toBe(0);
});
