import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Binaries,
  copyBinaries,
  findBinaries,
  hydrate,
  missingLinks,
  program,
} from "#kernel/engine/binaries.ts";
import { type Scratch, scratch } from "./engine/scratch.ts";

let place: Scratch;
let copy: Binaries;
beforeAll(async () => {
  place = scratch();
  const copies = Array.from({ length: 3 }, async () =>
    copyBinaries(await findBinaries(), place.path),
  );
  copy = (await Promise.all(copies))[0] as Binaries;
}, 60_000);
afterAll(() => place.close(), 60_000);

test("three starts that copy at once leave one whole copy, which anyone may run", () => {
  expect(readdirSync(place.path)).toEqual([`native-${copy.version}`]);
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const options = { ...nobody, cwd: "/", env: {}, encoding: "utf8" } as const;
  expect(execFileSync(program(copy, "postgres"), ["--version"], options)).toContain(
    `${copy.major}.`,
  );
});

test("the links that npm left out are made, once", async () => {
  const lib = join(copy.native, "lib");
  const links = readdirSync(lib).filter((name) => lstatSync(join(lib, name)).isSymbolicLink());
  for (const name of links) rmSync(join(lib, name));
  const bare = { ...copy, missing: await missingLinks(copy.native) };
  expect(bare.missing.map(({ target }) => join(dirname(copy.native), target)).sort()).toEqual(
    links.map((name) => join(lib, name)).sort(),
  );
  expect(() =>
    execFileSync(program(copy, "postgres"), ["--version"], { stdio: "ignore" }),
  ).toThrow();
  await Promise.all([hydrate(bare), hydrate(bare)]);
  expect(await missingLinks(copy.native)).toEqual([]);
  execFileSync(program(copy, "postgres"), ["--version"]);
});
