import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openSystem } from "../../server/src/main.ts";
import { configOf, makeProject } from "./scratch.ts";

const PROGRAM = join(import.meta.dirname, "../../server/bin/sealbase.js");
const START_MAX_MS = 30_000;

/** A data folder with a project in it, whose server is stopped: what a restart finds. */
export interface Prepared extends Disposable {
  readonly dataDir: string;
  readonly key: string;
}

export async function prepare(): Promise<Prepared> {
  const dataDir = mkdtempSync(join(tmpdir(), "sealbase-bench-"));
  const system = await openSystem(configOf(dataDir), { migrate: true, join: false });
  const { key } = await makeProject(system);
  await system.stop();
  return {
    dataDir,
    key,
    [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** The command `sealbase serve` in a process of its own. */
export interface Served extends AsyncDisposable {
  readonly port: number;
  /** From the start of the process to the first 200 for an authorized call. */
  readonly started_ms: number;
}

export async function serve({ dataDir, key }: Prepared): Promise<Served> {
  const port = await freePort();
  const start = performance.now();
  const child = spawn(PROGRAM, ["serve"], {
    env: {
      ...process.env,
      SEALBASE_DATA: dataDir,
      SEALBASE_PORT: String(port),
      SEALBASE_GRPC_PORT: "0",
      SEALBASE_LOG: "error",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await untilAuthorized(child, port, key, start);
  return {
    port,
    started_ms: performance.now() - start,
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Of the server's process, as it says itself. */
export async function residentMb(port: number): Promise<number> {
  return (await metric(port, "process_resident_memory_bytes")) / 1024 / 1024;
}

export const cpuSeconds = (port: number): Promise<number> =>
  metric(port, "process_cpu_seconds_total");

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)![1]);
}

async function untilAuthorized(
  child: ChildProcess,
  port: number,
  key: string,
  start: number,
): Promise<void> {
  while (performance.now() - start < START_MAX_MS) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    const status = await fetch(`http://127.0.0.1:${port}/v1/me`, {
      headers: { authorization: `Bearer ${key}` },
    }).then(
      async (response) => (await response.arrayBuffer(), response.status),
      () => undefined,
    );
    if (status === 200) return;
    if (status !== undefined && status !== 503) throw new Error(`GET /v1/me answered ${status}`);
    await sleep(5);
  }
  child.kill("SIGTERM");
  throw new Error(`no authorized 200 within ${START_MAX_MS} ms`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
