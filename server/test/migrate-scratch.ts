import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from "vitest";
import { type Cluster, startCluster, withClient } from "./cluster.ts";
import { catalogOf } from "./migrate-catalog.ts";

/** A folder of migrations made for one test: keys are paths, values are SQL; null removes the file. */
export type Scratch = {
  root: string;
  write(files: Record<string, string | null>): void;
  remove(): void;
};

export function scratch(files: Record<string, string>): Scratch {
  const root = mkdtempSync(join(tmpdir(), "sealbase-scratch-"));
  const write = (more: Record<string, string | null>): void => {
    for (const [path, text] of Object.entries(more)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      if (text === null) rmSync(join(root, path));
      else writeFileSync(join(root, path), text);
    }
  };
  write(files);
  return { root, write, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** A pair of files in the kernel: `pair("0001_a", up, down)`. */
export function pair(name: string, up: string, down = "select 1;"): Record<string, string> {
  return { [`kernel/migrations/${name}.up.sql`]: up, [`kernel/migrations/${name}.down.sql`]: down };
}

export const A = pair(
  "0001_a",
  "create table public.a (id int primary key);",
  "-- sealbase: loses-data public.a\ndrop table public.a;",
);
export const B = pair(
  "0002_b",
  "create table public.b (id int);",
  "-- sealbase: loses-data public.b\ndrop table public.b;",
);
export const C = {
  "domains/shop/migrations/0003_c.up.sql": "alter table public.a add column name text;",
  "domains/shop/migrations/0003_c.down.sql": "alter table public.a drop column name;",
};

/** The files of some migrations, for as long as the test runs. */
export function chain(...files: Record<string, string>[]): Scratch {
  const made = scratch(Object.assign({}, ...files));
  onTestFinished(() => made.remove());
  return made;
}

/** A new database for each test of the file; `db` is filled before the test begins. */
export function freshDatabases() {
  const db: pg.ClientConfig & { database?: string } = {};
  let server: Cluster;
  beforeAll(async () => {
    server = await startCluster();
  }, 60_000);
  afterAll(() => server.stop());
  beforeEach(async () => {
    Object.assign(db, await server.database());
  });
  return {
    db,
    sql: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> =>
      withClient(db, async (client) => (await client.query<Row>(text, values)).rows),
    catalog: (): Promise<string[]> => withClient(db, catalogOf),
  };
}

export const refusal = (code: string, facts: object = {}): unknown =>
  expect.objectContaining({ code, facts: expect.objectContaining(facts) });
export const numbers = (steps: { number: number }[]): number[] => steps.map(({ number }) => number);
