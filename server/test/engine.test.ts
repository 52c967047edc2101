import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Embedded } from "#kernel/embedded.ts";
import { ask, asRoot, lives, refusalOf, type Scratch, scratch, uidOf } from "./engine/scratch.ts";

let place: Scratch;
let engine: Embedded;
const log: string[] = [];
beforeAll(async () => {
  place = scratch();
  engine = await place.start({ log: (line) => log.push(line) });
}, 60_000);
afterAll(() => place.close(), 60_000);

const setting = async (name: string) =>
  (await ask<{ value: string }>(engine.admin, `SELECT current_setting('${name}') AS value`))[0]
    ?.value;

describe("a new directory", () => {
  test.for([
    ["data_checksums", "on"],
    ["server_encoding", "UTF8"],
    ["password_encryption", "scram-sha-256"],
    ["listen_addresses", ""],
    ["TimeZone", "UTC"],
    ["synchronous_commit", "on"],
    ["max_connections", "50"],
    ["fsync", "off"], // the caller's
  ] as const)("has %s = %s", async ([name, value]) => {
    expect(await setting(name)).toBe(value);
  });

  test("sorts by a locale that no upgrade of the system changes", async () => {
    const sql = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'sealbase'";
    expect(await ask(engine.admin, sql)).toEqual([{ datlocprovider: "b", datlocale: "C.UTF-8" }]);
  });

  test.for([
    ["password", 0o600],
    ["pg", 0o700],
    ["pg/postgresql.conf", 0o600],
    ["pg/pg_hba.conf", 0o600],
    ["log", 0o700],
    ["socket", 0o700],
  ] as const)("keeps %s private", ([name, mode]) => {
    expect(statSync(join(place.path, "data", name)).mode & 0o777).toBe(mode);
  });

  test("says whose it is", () => {
    const marker = JSON.parse(readFileSync(join(place.path, "data/sealbase.json"), "utf8"));
    expect(marker).toMatchObject({ format: 1, pgMajor: 17, initialised: true });
    expect(Date.parse(marker.createdAt)).toBeLessThanOrEqual(Date.now());
  });

  test("lets nobody in without the password", async () => {
    await expect(ask({ ...engine.admin, password: "wrong" }, "SELECT")).rejects.toThrow(/password/);
  });

  test.skipIf(!asRoot)("does not run PostgreSQL as root", () => {
    expect(uidOf(engine.pid)).not.toBe(0);
  });
});

describe("a directory in use", () => {
  test("is refused to a second owner, who learns the first one's pid", async () => {
    const refusal = await refusalOf(place.start());
    expect(refusal).toMatchObject({ code: "engine/directory_in_use", status: 409 });
    expect(refusal.facts).toEqual({ dir: join(place.path, "data"), pid: process.pid });
  });

  test("is open to a guest, whose end stops nothing", async () => {
    const guest = await place.start({ join: true });
    expect(guest).toMatchObject({ joined: true, pid: engine.pid, admin: engine.admin });
    await guest.stop();
    expect(await ask(engine.admin, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

test("a server that is killed is started again, as often as it takes", async () => {
  await ask(engine.admin, "CREATE TABLE kept AS SELECT 1 AS one");
  for (let kill = 0; kill < 2; kill++) {
    const before = engine.pid;
    process.kill(before, "SIGKILL");
    while (engine.pid === before || !lives(engine.pid)) await sleep(10);
    expect(await ask(engine.admin, "SELECT * FROM kept")).toEqual([{ one: 1 }]);
  }
  expect(log.filter((line) => line.includes("runs again"))).toHaveLength(2);
}, 30_000);

test("stops cleanly, starts again within a second, and knows that there was nothing to recover", async () => {
  const { pid } = engine;
  await engine.stop();
  expect(lives(pid)).toBe(false);
  const since = performance.now();
  engine = await place.start();
  expect(performance.now() - since).toBeLessThan(1_000);
  expect(engine).toMatchObject({ joined: false, adopted: false, recovered: false });
  expect(await ask(engine.admin, "SELECT * FROM kept")).toEqual([{ one: 1 }]);
}, 30_000);

test("stops for good although PostgreSQL is just being started again", async () => {
  const pids = [engine.pid];
  process.kill(engine.pid, "SIGKILL");
  await sleep(30);
  await engine.stop();
  pids.push(engine.pid);
  expect(pids.filter(lives)).toEqual([]);
  engine = await place.start();
}, 30_000);

test.skipIf(process.platform !== "linux")(
  "leaves no file open behind",
  async () => {
    await engine.stop();
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 3; round++) await (await place.start()).stop();
    expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
  },
  30_000,
);
