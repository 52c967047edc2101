import type pg from "pg";
import { refuse } from "./refusals.ts";
import type { Queryable } from "./session.ts";

/** The runner's own record in the database: what is applied, each run, which routines in which text. */
const BOOK = `
create schema if not exists ops;
create table if not exists ops.migrations (
  number     int primary key check (number > 0),
  name       text not null,
  checksum   text not null check (checksum ~ '^[0-9a-f]{64}$'),
  breaking   boolean not null,
  up_sql     text not null,
  down_sql   text not null,
  applied_at timestamptz not null default clock_timestamp(),
  applied_ms int not null check (applied_ms >= 0)
);
comment on table ops.migrations is
  'Applied migrations with both texts, so that a build without their files can still take them back.';
create table if not exists ops.migration_runs (
  id          bigint generated always as identity primary key,
  direction   text not null check (direction in ('up', 'down')),
  number      int not null,
  name        text not null,
  started_at  timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  outcome     text check (outcome in ('done', 'failed', 'interrupted')),
  error       text,
  check ((finished_at is null) = (outcome is null))
);
comment on table ops.migration_runs is 'Every attempt to migrate; an open row is one that is running.';
create table if not exists ops.routines (
  path       text primary key,
  checksum   text not null,
  objects    text[] not null,
  applied_at timestamptz not null default clock_timestamp()
);
comment on table ops.routines is
  'Routine files in the text that was applied last, and the functions and views that they made.';
`;

export type AppliedMigration = {
  number: number;
  name: string;
  checksum: string;
  breaking: boolean;
  up_sql: string;
  down_sql: string;
  applied_at: Date;
  applied_ms: number;
};
export type AppliedRoutine = {
  path: string;
  checksum: string;
  objects: string[];
  missing: boolean;
};

/** Makes the book where there is none, and closes the runs that a crash left open. Call it under the lock. */
export async function openBook(client: pg.Client): Promise<void> {
  if (!(await exists(client))) await client.query(BOOK);
  await client.query(
    `update ops.migration_runs set finished_at = clock_timestamp(), outcome = 'interrupted' where outcome is null`,
  );
}

/** Ascending and without gaps; empty for a database that was never migrated. */
export async function readApplied(db: Queryable): Promise<AppliedMigration[]> {
  if (!(await exists(db))) return [];
  const { rows } = await db.query(
    `select number, name, checksum, breaking, up_sql, down_sql, applied_at, applied_ms
       from ops.migrations order by number`,
  );
  const applied = rows as AppliedMigration[];
  applied.forEach(({ number }, index) => {
    if (number !== index + 1) {
      throw refuse.badNumberLine(`The database has migration ${number} without ${index + 1}.`, {
        number,
      });
    }
  });
  return applied;
}

export async function readRoutines(db: Queryable): Promise<AppliedRoutine[]> {
  if (!(await exists(db))) return [];
  const { rows } = await db.query(
    `select path, checksum, objects,
            exists (select from unnest(objects) o
                     where case split_part(o, ' ', 1)
                             when 'view' then to_regclass(substr(o, 6))::oid
                             else to_regprocedure(substr(o, strpos(o, ' ') + 1))::oid
                           end is null) as missing
       from ops.routines order by path`,
  );
  return rows as AppliedRoutine[];
}

/** The server's roles read the book to know whether they may serve; they exist from the first migration on. */
export async function openToReaders(client: pg.Client): Promise<void> {
  await forReaders(client, (roles) => `grant select on ${TABLES} to ${roles}`);
}

/** Else the way back of the first migration could not drop the roles. */
export async function closeToReaders(client: pg.Client): Promise<void> {
  await forReaders(client, (roles) => `revoke all on ${TABLES} from ${roles}`);
}

const TABLES = "ops.migrations, ops.migration_runs, ops.routines";

async function forReaders(client: pg.Client, statement: (roles: string) => string): Promise<void> {
  const { rows } = await client.query<{ roles: string | null }>(
    `select string_agg(quote_ident(rolname), ', ') as roles from pg_roles
      where rolname in ('sealbase_writer', 'sealbase_reader', 'sealbase_auditor')`,
  );
  const roles = rows[0]?.roles;
  if (roles) await client.query(statement(roles));
}

async function exists(db: Queryable): Promise<boolean> {
  const { rows } = await db.query(`select to_regclass('ops.routines') is not null as book`);
  return (rows[0] as { book: boolean }).book;
}
