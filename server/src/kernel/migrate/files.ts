import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { packageRoot } from "../package-root.ts";
import { type Marks, readMarks } from "./marks.ts";
import { refuse } from "./refusals.ts";
import { statementsOf } from "./statements.ts";

/** One SQL file as it was read: line ends made equal, so that a checkout elsewhere has the same checksum. */
export type Script = { path: string; text: string; checksum: string; marks: Marks };
export type Migration = { number: number; name: string; up: Script; down: Script };
export type Routine = { path: string; text: string; checksum: string };
/** `migrations[n - 1]` has number n. */
export type Chain = { migrations: Migration[]; routines: Routine[] };

/** Reads `kernel` and `domains/*` under `root`; refuses gaps, repeats and halves. */
export async function readChain(root: string = join(packageRoot, "src")): Promise<Chain> {
  const homes = [join(root, "kernel"), ...(await folders(join(root, "domains")))];
  const scripts = await read(root, homes, "migrations");
  const routines = await read(root, homes, "routines");
  for (const routine of routines) refuseForeignStatements(routine);
  return {
    migrations: pair(scripts),
    routines: routines.sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

/** A migration from the texts stored when it was applied: its file may be gone or changed. */
export function migrationOf(row: {
  number: number;
  name: string;
  up_sql: string;
  down_sql: string;
}): Migration {
  const path = `ops.migrations/${row.number}`;
  return {
    number: row.number,
    name: row.name,
    up: script({ path: `${path}.up.sql`, text: row.up_sql }),
    down: script({ path: `${path}.down.sql`, text: row.down_sql }),
  };
}

type File = { path: string; text: string };
const NAME = /^(\d{4})_([a-z0-9_]+)\.(up|down)\.sql$/;

function pair(files: File[]): Migration[] {
  const ups = new Map<number, File>();
  const downs = new Map<string, File>(files.map((file) => [file.path, file]));
  for (const file of files) {
    const match = NAME.exec(basename(file.path));
    if (!match)
      throw refuse.badFile(
        file.path,
        "a migration is named NNNN_name.up.sql or NNNN_name.down.sql.",
      );
    const number = Number(match[1]);
    const other = file.path.replace(
      /\.(up|down)\.sql$/,
      match[3] === "up" ? ".down.sql" : ".up.sql",
    );
    if (!downs.has(other)) throw refuse.missingPair(file.path, basename(other));
    if (match[3] === "down") continue;
    const twin = ups.get(number);
    if (twin) {
      throw refuse.badNumberLine(`${twin.path} and ${file.path} have the same number.`, { number });
    }
    ups.set(number, file);
  }
  return [...ups.keys()]
    .sort((a, b) => a - b)
    .map((number, index) => {
      if (number !== index + 1) {
        throw refuse.badNumberLine(`Migration ${index + 1} is missing before ${number}.`, {
          number,
        });
      }
      const up = ups.get(number) as File;
      const down = downs.get(up.path.replace(/\.up\.sql$/, ".down.sql")) as File;
      const name = NAME.exec(basename(up.path))?.[2] as string;
      return { number, name, up: script(up), down: script(down) };
    });
}

function script(file: File): Script {
  const marks = readMarks(file.path, file.text);
  const own = statementsOf(file.text).find((one) =>
    /^(begin|commit|rollback|start|savepoint)\b/i.test(one),
  );
  if (own) throw refuse.badFile(file.path, `"${own}" is the runner's business.`);
  return { ...file, checksum: checksum(file.text), marks };
}

const ROUTINE =
  /^(create or replace (function|procedure|view)|grant|revoke|comment on|alter (function|procedure|view))\b/i;

function refuseForeignStatements(routine: Routine): void {
  const foreign = statementsOf(routine.text).find((one) => !ROUTINE.test(one.replace(/\s+/g, " ")));
  if (foreign) {
    const start = foreign.slice(0, 60).replace(/\s+/g, " ");
    throw refuse.badFile(
      routine.path,
      `"${start}…" belongs into a migration: a routine file is run again and again.`,
    );
  }
}

async function read(root: string, homes: string[], folder: string): Promise<Routine[]> {
  const found: Routine[] = [];
  for (const home of homes) {
    const place = join(home, folder);
    if (!existsSync(place)) continue;
    for (const name of (await readdir(place)).filter((one) => one.endsWith(".sql")).sort()) {
      const text = (await readFile(join(place, name), "utf8")).replaceAll("\r\n", "\n");
      const path = relative(root, join(place, name)).replaceAll("\\", "/");
      found.push({ path, text, checksum: checksum(text) });
    }
  }
  return found;
}

async function folders(parent: string): Promise<string[]> {
  if (!existsSync(parent)) return [];
  const entries = await readdir(parent, { withFileTypes: true });
  return entries
    .filter((one) => one.isDirectory())
    .map((one) => join(parent, one.name))
    .sort();
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
