import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect } from "vitest";
import {
  type Admin,
  type Embedded,
  type EmbeddedOptions,
  startEmbedded,
} from "#kernel/embedded.ts";
import { isPostmasterOf } from "#kernel/engine/process.ts";
import { Refusal } from "#kernel/refusal.ts";

/** A folder that PostgreSQL's user may enter, and every engine started in it; all of it goes with close(). */
export type Scratch = {
  readonly path: string;
  start(options?: Partial<EmbeddedOptions>): Promise<Embedded>;
  close(): Promise<void>;
};

/** Without the waiting for disks, which these tests are not about. */
export const QUICK = { fsync: "off", full_page_writes: "off" };
export const asRoot = process.getuid?.() === 0;

export function scratch(): Scratch {
  const path = join(tmpdir(), `engine-test-${randomBytes(6).toString("hex")}`);
  mkdirSync(path);
  chmodSync(path, 0o755);
  const started: Embedded[] = [];
  return {
    path,
    async start(options = {}) {
      const engine = await startEmbedded({ dir: join(path, "data"), settings: QUICK, ...options });
      started.push(engine);
      return engine;
    },
    async close() {
      for (const engine of started) await engine.stop();
      await killOrphans(path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Servers that a test left behind because it failed on the way. */
async function killOrphans(path: string): Promise<void> {
  for (const name of readdirSync(path)) {
    const pg = join(path, name, "pg");
    if (!existsSync(join(pg, "postmaster.pid"))) continue;
    const pid = Number.parseInt(readFileSync(join(pg, "postmaster.pid"), "utf8"), 10);
    if (await isPostmasterOf(pid, pg)) process.kill(pid, "SIGKILL");
  }
}

export async function ask<Row extends pg.QueryResultRow>(
  admin: Admin | pg.ClientConfig,
  sql: string,
): Promise<Row[]> {
  const client = new pg.Client(admin);
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

export async function refusalOf(starting: Promise<Embedded>): Promise<Refusal> {
  const outcome = await starting.catch((error: unknown) => error);
  if (!(outcome instanceof Refusal)) await (outcome as Partial<Embedded>).stop?.();
  expect(outcome).toBeInstanceOf(Refusal);
  return outcome as Refusal;
}

export function uidOf(pid: number): number {
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

export function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
