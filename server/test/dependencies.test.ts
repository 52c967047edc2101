import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const ALLOWED = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "PostgreSQL"];
/** They hold a program of the machine's kind, so their size differs from one to the next. */
const NATIVE = ["esbuild", "node"];

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

const text = readFileSync(join(ROOT, "docs/dependencies.md"), "utf8");
const rows = [...text.matchAll(/^\| `(\S+)`(.*)\|$/gm)].map(([, name, rest]) => {
  const [, version, licence, size_mb, user] = rest!.split("|").map((cell) => cell.trim());
  return { name: name!, version, licence, size_mb: Number(size_mb), user };
});
const direct = ["root", "server", "verifier", "sdk"].flatMap((user) => {
  const { dependencies, devDependencies } = manifest(join(ROOT, user === "root" ? "" : user));
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([name]) => !name.startsWith("@sealbase/"))
    .map(([name, version]) => ({ name, version, user }));
});

it("docs/dependencies.md lists exactly the direct dependencies, in their versions", () => {
  const listed = rows.map(({ name, version, user }) => ({ name, version, user }));
  expect(listed.toSorted(byName)).toEqual(direct.toSorted(byName));
});

it("each has one exact version, the one that is installed", () => {
  const others = direct.filter(
    ({ name, version, user }) => manifest(folderOf(name, user)).version !== version,
  );
  expect(others).toEqual([]);
});

it("each has the licence that is listed, one that we may use", () => {
  const licences = rows.map(({ name, user }) => manifest(folderOf(name, user!)).license);
  expect(rows.map(({ licence }) => licence)).toEqual(licences);
  const barred = licences.filter(
    (text) => !alternatives(text).some((all) => all.every((one) => ALLOWED.includes(one))),
  );
  expect(barred).toEqual([]);
});

it("each is as large as listed, within a tenth", () => {
  const others = rows
    .filter(({ name }) => !NATIVE.includes(name))
    .map(({ name, user, size_mb }) => {
      const found_mb = sizeOf(folderOf(name, user!)) / 1e6;
      return { name, size_mb, found_mb };
    })
    .filter(({ size_mb, found_mb }) => Math.abs(found_mb - size_mb) > 0.1 + size_mb * 0.1);
  expect(others).toEqual([]);
});

/** `(A AND B) OR C` is A and B, or C. */
const alternatives = (licence: string): string[][] =>
  licence.split(" OR ").map((all) => all.replace(/[()]/g, "").split(" AND "));

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

function folderOf(name: string, user: string): string {
  const own = join(ROOT, user, "node_modules", name);
  return existsSync(own) ? own : join(ROOT, "node_modules", name);
}

function sizeOf(folder: string): number {
  const inside = (entry: Dirent): number => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? 0 : sizeOf(path);
    return entry.isFile() ? statSync(path).size : 0;
  };
  return readdirSync(folder, { withFileTypes: true }).reduce(
    (sum, entry) => sum + inside(entry),
    0,
  );
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
