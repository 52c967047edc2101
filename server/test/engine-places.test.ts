import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Embedded } from "#kernel/embedded.ts";
import { ask, asRoot, lives, QUICK, refusalOf, type Scratch, scratch } from "./engine/scratch.ts";

const OWNER = join(import.meta.dirname, "engine/owner.ts");

let place: Scratch;
const extra: string[] = [];
let owner: ChildProcess | undefined;
beforeEach(() => {
  place = scratch();
});
afterEach(async () => {
  owner?.kill("SIGKILL");
  owner = undefined;
  await place.close();
  for (const path of extra.splice(0)) rmSync(path, { recursive: true, force: true });
}, 60_000);

test("a path too long for a socket gets one elsewhere, private and always the same", async () => {
  const dir = join(place.path, "d".repeat(110));
  const engine = await place.start({ dir });
  const { host } = engine.admin;
  extra.push(host);
  expect(host.length).toBeLessThan(90);
  expect(statSync(host).mode & 0o777).toBe(0o700);
  expect(await ask(engine.admin, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await engine.stop();
  expect((await place.start({ dir })).admin.host).toBe(host);
}, 60_000);

test("a path too long for a socket is refused when somebody opened that elsewhere", async () => {
  const dir = join(place.path, "e".repeat(110));
  const engine = await place.start({ dir });
  extra.push(engine.admin.host);
  await engine.stop();
  chmodSync(engine.admin.host, 0o777);
  expect((await refusalOf(place.start({ dir }))).code).toBe("engine/start_failed");
}, 60_000);

test.skipIf(!asRoot)(
  "a directory closed to PostgreSQL's user points to its cluster",
  async () => {
    const closed = join(place.path, "closed");
    mkdirSync(closed, { mode: 0o700 });
    const dir = join(closed, "data");
    let engine = await place.start({ dir });
    const { cluster } = JSON.parse(readFileSync(join(dir, "sealbase.json"), "utf8"));
    extra.push(cluster);
    expect(cluster).toMatch(/^\/var\/lib\/sealbase\/[0-9a-f]{16}$/);
    expect(statSync(closed).mode & 0o777).toBe(0o700);
    await ask(engine.admin, "CREATE TABLE kept ()");
    await engine.stop();
    engine = await place.start({ dir });
    await ask(engine.admin, "SELECT FROM kept");
    await engine.stop();
    // Made anew at the same path, it does not get the old one's data, nor take it away.
    rmSync(dir, { recursive: true });
    const refusal = await refusalOf(place.start({ dir }));
    expect(refusal).toMatchObject({
      code: "engine/foreign_directory",
      facts: { found: [`${cluster}/pg`] },
    });
  },
  60_000,
);

test("the server of a killed owner is adopted, as it is", async () => {
  const { pid, dir } = await killedOwner();
  expect(lives(pid)).toBe(true);
  const engine = await place.start({ dir });
  expect(engine).toMatchObject({ pid, adopted: true, joined: false, recovered: false });
  process.kill(pid, "SIGKILL"); // supervised like one of our own
  while (engine.pid === pid) await new Promise((resolve) => setTimeout(resolve, 10));
  await engine.stop();
  expect(lives(engine.pid)).toBe(false);
}, 60_000);

test("the server of a killed owner is restarted when other settings are asked for", async () => {
  const { pid, dir } = await killedOwner();
  const engine = await place.start({ dir, settings: { ...QUICK, work_mem: "7MB" } });
  expect(engine).toMatchObject({ adopted: false, recovered: false });
  expect(engine.pid).not.toBe(pid);
  expect(await ask(engine.admin, "SHOW work_mem")).toEqual([{ work_mem: "7MB" }]);
}, 60_000);

test("a stranger who got the dead server's pid is neither adopted nor killed", async () => {
  const { pid, dir } = await killedOwner();
  process.kill(pid, "SIGKILL");
  const stranger = spawn("sleep", ["60"], { stdio: "ignore" });
  try {
    const path = join(dir, "pg/postmaster.pid");
    const [, ...rest] = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, [stranger.pid, ...rest].join("\n"));
    const engine = await place.start({ dir });
    expect(engine).toMatchObject({ adopted: false, recovered: true });
    expect(lives(stranger.pid as number)).toBe(true);
  } finally {
    stranger.kill();
  }
}, 60_000);

test("of eight starts at once one owns and seven join", async () => {
  const engines: Embedded[] = await Promise.all(
    Array.from({ length: 8 }, () => place.start({ join: true })),
  );
  expect(engines.filter(({ joined }) => !joined)).toHaveLength(1);
  expect(new Set(engines.map(({ pid }) => pid)).size).toBe(1);
}, 60_000);

async function killedOwner(): Promise<{ pid: number; dir: string }> {
  const dir = join(place.path, "data");
  owner = spawn(process.execPath, [OWNER, JSON.stringify({ dir, settings: QUICK })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(owner.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const { pid } = JSON.parse(line.toString()) as { pid: number };
  const ended = once(owner, "exit");
  owner.kill("SIGKILL");
  await ended;
  return { pid, dir };
}
