import type * as Fs from "node:fs/promises";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { MirrorFiles } from "./files.ts";

/** What was done to the disk, in order. A power cut is not to be had in a test; that the kernel was asked before is. */
const done: string[] = [];
vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof Fs>();
  return {
    ...fs,
    async open(path: string, ...more: []) {
      const handle = await fs.open(path, ...more);
      const sync = handle.sync.bind(handle);
      handle.sync = () => {
        done.push(`sync ${path}`);
        return sync();
      };
      return handle;
    },
    rename(from: string, to: string) {
      done.push(`rename ${to}`);
      return fs.rename(from, to);
    },
  };
});

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "sealbase-mirror-files-"));
});
afterAll(() => rm(place, { recursive: true }));

test("files, and every folder up to what was there before, are on disk before the checkpoint that speaks of them", async () => {
  const dir = join(place, "new", "mirror");
  const files = await MirrorFiles.take(dir);
  const path = "tile/0/x001/234";
  await files.stage(path, Buffer.from("hashes"));
  await files.keep(path);
  await files.publish("checkpoint\n");
  await files.release();

  const kept = done.indexOf(`rename ${join(dir, path)}`);
  const spoken = done.indexOf(`rename ${join(dir, "checkpoint")}`);
  expect([kept, spoken]).not.toContain(-1);
  const between = done.slice(kept, spoken);
  for (let folder = dirname(join(dir, path)); folder !== dirname(dir); folder = dirname(folder))
    expect(between).toContain(`sync ${folder}`);
  for (const folder of [dirname(dir), place])
    expect(done.slice(0, spoken)).toContain(`sync ${folder}`);
  expect(done.slice(0, kept)).toContain(`sync ${join(dir, ".mirror", "files", path)}.new`);
  expect(between).toContain(`sync ${join(dir, "checkpoint")}.new`);
  expect(done.slice(spoken)).toContain(`sync ${dir}`);
});
