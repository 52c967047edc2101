import pg from "pg";
import { type AppliedRoutine, readRoutines } from "./book.ts";
import type { Chain, Routine } from "./files.ts";
import { refuse } from "./refusals.ts";
import { enterMigratorRole } from "./role.ts";
import type { Log } from "./session.ts";

/** `create or replace` cannot change a function's result or drop a view's column; those go and come again. */
const NEEDS_DROP = new Set(["42P13", "42P16"]);
/** Any number above the first migration's: routines belong to the migrator. */
const AFTER_ALL = Number.MAX_SAFE_INTEGER;

/**
 * Files that are new, changed, or whose function or view is gone: a migration may `drop view if exists` what stands in
 * its way (in a new database it is not there yet), and it comes back here.
 */
export function routinesToApply(chain: Chain, applied: readonly AppliedRoutine[]): Routine[] {
  const known = new Map(applied.map((row) => [row.path, row]));
  return chain.routines.filter(({ path, checksum }) => {
    const row = known.get(path);
    return row === undefined || row.checksum !== checksum || row.missing;
  });
}

/** Applies them in path order, and drops what only files that are gone had made. */
export async function applyRoutines(
  client: pg.Client,
  chain: Chain,
  log: Log | undefined,
): Promise<string[]> {
  const applied = await readRoutines(client);
  const gone = applied.filter(
    ({ path }) => !chain.routines.some((routine) => routine.path === path),
  );
  for (const row of gone) {
    await transaction(client, row.path, () => forget(client, [row]));
    log?.(`dropped the routines of ${row.path}`);
  }
  const todo = routinesToApply(chain, applied);
  for (const routine of todo) {
    const old = applied.find(({ path }) => path === routine.path);
    try {
      await transaction(client, routine.path, () => apply(client, routine, old));
    } catch (error) {
      if (!(old && error instanceof pg.DatabaseError && NEEDS_DROP.has(error.code ?? "")))
        throw error;
      await transaction(client, routine.path, async () => {
        await forget(client, [old]);
        await apply(client, routine, undefined);
      });
    }
    log?.(`applied ${routine.path}`);
  }
  return todo.map(({ path }) => path);
}

/** Takes all of them away, last first; in the caller's transaction. */
export async function dropRoutines(client: pg.Client): Promise<void> {
  await forget(client, (await readRoutines(client)).reverse());
}

async function apply(
  client: pg.Client,
  routine: Routine,
  old: AppliedRoutine | undefined,
): Promise<void> {
  await enterMigratorRole(client, AFTER_ALL, "local");
  await client.query(routine.text);
  const objects = await objectsMadeNow(client);
  for (const object of (old?.objects ?? []).filter((one) => !objects.includes(one)).reverse()) {
    await client.query(`drop ${object.replace(" ", " if exists ")}`);
  }
  await client.query("reset role");
  await client.query(
    `insert into ops.routines (path, checksum, objects) values ($1, $2, $3)
     on conflict (path) do update
       set checksum = excluded.checksum, objects = excluded.objects, applied_at = clock_timestamp()`,
    [routine.path, routine.checksum, objects],
  );
}

async function forget(client: pg.Client, rows: readonly AppliedRoutine[]): Promise<void> {
  await enterMigratorRole(client, AFTER_ALL, "local");
  for (const object of rows.flatMap((row) => row.objects.toReversed())) {
    await client.query(`drop ${object.replace(" ", " if exists ")}`);
  }
  await client.query("reset role");
  await client.query(`delete from ops.routines where path = any($1)`, [
    rows.map(({ path }) => path),
  ]);
}

/** Asks the catalog instead of parsing: what this transaction wrote carries its number. */
async function objectsMadeNow(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ object: string }>(
    `select object from (
       select case prokind when 'p' then 'procedure ' else 'function ' end || p.oid::regprocedure as object, p.oid
         from pg_proc p where p.xmin = pg_current_xact_id()::xid
       union all
       select 'view ' || c.oid::regclass, c.oid
         from pg_class c join pg_rewrite r on r.ev_class = c.oid
        where c.relkind = 'v' and r.xmin = pg_current_xact_id()::xid) made
     order by oid`,
  );
  return rows.map(({ object }) => object);
}

async function transaction(
  client: pg.Client,
  path: string,
  work: () => Promise<void>,
): Promise<void> {
  await client.query("begin");
  try {
    // Names in the book are always written with their schema, so nothing may be found without it.
    await client.query("set local search_path = ''");
    await work();
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    if (error instanceof pg.DatabaseError && !NEEDS_DROP.has(error.code ?? "")) {
      throw refuse.failed(path, error.message, { path, sqlstate: error.code ?? null });
    }
    throw error;
  }
}
