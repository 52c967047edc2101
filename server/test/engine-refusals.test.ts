import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asRoot, refusalOf, type Scratch, scratch } from "./engine/scratch.ts";

const OWNER = join(import.meta.dirname, "engine/owner.ts");

let place: Scratch;
let data: string;
beforeEach(() => {
  place = scratch();
  data = join(place.path, "data");
});
afterEach(() => place.close(), 60_000);

test("a directory with other files is refused and left as it was", async () => {
  mkdirSync(data, { mode: 0o755 });
  writeFileSync(join(data, "thesis.txt"), "mine");
  const refusal = await refusalOf(place.start());
  expect(refusal).toMatchObject({ code: "engine/foreign_directory", status: 409 });
  expect(refusal.facts).toEqual({ dir: data, found: ["thesis.txt"] });
  expect(readdirSync(data)).toEqual(["thesis.txt"]);
  expect(readFileSync(join(data, "thesis.txt"), "utf8")).toBe("mine");
});

test("a directory that a crash left with nothing but a lock is free", async () => {
  mkdirSync(data, { mode: 0o755 });
  writeFileSync(join(data, "owner.7.lock"), JSON.stringify({ pid: process.pid, born: "earlier" }));
  writeFileSync(join(data, ".sealbase-tmp-1-abc"), "");
  mkdirSync(join(data, "lost+found"));
  const engine = await place.start();
  expect(readdirSync(data)).toContain("owner.8.lock");
  expect(readdirSync(data)).not.toContain("owner.7.lock");
  await engine.stop();
}, 60_000);

test("a first start that died halfway is begun anew", async () => {
  mkdirSync(join(data, "pg.tmp-dead"), { recursive: true, mode: 0o755 });
  const marker = { format: 1, pgMajor: 17, createdAt: "2026-01-01T00:00:00Z", initialised: false };
  writeFileSync(join(data, "sealbase.json"), JSON.stringify(marker));
  await place.start();
  expect(readdirSync(data)).not.toContain("pg.tmp-dead");
}, 60_000);

test("a cluster that is lost is not replaced by an empty one", async () => {
  mkdirSync(data, { mode: 0o755 });
  const marker = { format: 1, pgMajor: 17, createdAt: "2026-01-01T00:00:00Z", initialised: true };
  writeFileSync(join(data, "sealbase.json"), JSON.stringify(marker));
  const refusal = await refusalOf(place.start());
  expect(refusal.code).toBe("engine/cluster_missing");
  expect(readdirSync(data)).toEqual(["sealbase.json"]);
});

test.for([
  ["a newer format", { format: 2, pgMajor: 17 }, { what: "format", found: 2, supported: 1 }],
  [
    "an older PostgreSQL",
    { format: 1, pgMajor: 16 },
    { what: "PostgreSQL", found: 16, supported: 17 },
  ],
  [
    "a newer PostgreSQL",
    { format: 1, pgMajor: 18 },
    { what: "PostgreSQL", found: 18, supported: 17 },
  ],
] as const)("%s is refused", async ([, marker, facts]) => {
  mkdirSync(data);
  writeFileSync(join(data, "sealbase.json"), JSON.stringify(marker));
  const refusal = await refusalOf(place.start());
  expect(refusal).toMatchObject({
    code: "engine/version_mismatch",
    facts: { dir: data, ...facts },
  });
  expect(readdirSync(data)).toEqual(["sealbase.json"]);
});

test("a cluster of another PostgreSQL is refused whatever the marker says", async () => {
  mkdirSync(join(data, "pg"), { recursive: true });
  const marker = { format: 1, pgMajor: 17, createdAt: "2026-01-01T00:00:00Z", initialised: true };
  writeFileSync(join(data, "sealbase.json"), JSON.stringify(marker));
  writeFileSync(join(data, "pg/PG_VERSION"), "16\n");
  expect((await refusalOf(place.start())).facts).toMatchObject({ found: 16, supported: 17 });
});

test.for([
  ["a file", "file"],
  ["below a file", "file/data"],
])("%s is refused", async ([, path]) => {
  writeFileSync(join(place.path, "file"), "");
  const refusal = await refusalOf(place.start({ dir: join(place.path, path as string) }));
  expect(refusal).toMatchObject({ code: "engine/not_writable", status: 503 });
});

test.skipIf(!asRoot)(
  "a directory that may not be written is refused",
  async () => {
    mkdirSync(data, { mode: 0o755 });
    const child = spawn(process.execPath, [OWNER, JSON.stringify({ dir: data })], {
      uid: 65534,
      gid: 65534,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    child.kill("SIGKILL");
    expect(JSON.parse(line.toString())).toMatchObject({ code: "engine/not_writable" });
    expect(readdirSync(data)).toEqual([]);
  },
  30_000,
);

test("settings that PostgreSQL does not take are refused with what it logged", async () => {
  const refusal = await refusalOf(place.start({ settings: { max_connections: "many" } }));
  expect(refusal.code).toBe("engine/start_failed");
  expect(JSON.stringify(refusal.facts)).toContain("many");
  const engine = await place.start();
  expect(engine.recovered).toBe(false);
}, 60_000);

/** Undefined, and the test skipped, where we may not mount. */
function mountSmallDisk(under: string): string | undefined {
  const mount = join(under, "small");
  mkdirSync(mount);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=20m,mode=755", "none", mount], {
      stdio: "ignore",
    });
    return mount;
  } catch {
    return undefined;
  }
}

test("a full disk is refused and nothing half-made stays", async (context) => {
  const mount = mountSmallDisk(place.path);
  try {
    if (!mount) return context.skip("mounting a small disk is not permitted here");
    const dir = join(mount, "data");
    const refusal = await refusalOf(place.start({ dir }));
    expect(refusal).toMatchObject({ code: "engine/disk_full", status: 503 });
    expect(existsSync(dir)).toBe(false);
  } finally {
    if (mount) execFileSync("umount", [mount]);
  }
}, 60_000);
