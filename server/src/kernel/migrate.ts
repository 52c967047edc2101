import type pg from "pg";
import {
  type AppliedMigration,
  closeToReaders,
  openToReaders,
  readApplied,
  readRoutines,
} from "./migrate/book.ts";
import { judge } from "./migrate/chain.ts";
import type { CheckReport } from "./migrate/describe.ts";
import { type Chain, type Migration, migrationOf, readChain } from "./migrate/files.ts";
import { locksOf } from "./migrate/locks.ts";
import { refuseToLoseData } from "./migrate/loss.ts";
import { refuse } from "./migrate/refusals.ts";
import { applyRoutines, dropRoutines, routinesToApply } from "./migrate/routines.ts";
import { type Log, type Queryable, readOnly, withMigrator } from "./migrate/session.ts";
import { runStep } from "./migrate/step.ts";

export type { AppliedMigration } from "./migrate/book.ts";
export { type CheckReport, describeCheck } from "./migrate/describe.ts";
export type { Queryable } from "./migrate/session.ts";

/**
 * Brings a database from one schema to another: `*.up.sql` and `*.down.sql` pairs on one number line, each in
 * its own transaction, then the routines. Connect directly, not through a pooler: one session lock covers a run.
 */
export type Options = {
  /** Where `kernel` and `domains` are, each with `migrations` and `routines`; this package's `src` unless given. */
  root?: string;
  log?: Log;
};

export type UpReport = {
  applied: { number: number; name: string; ms: number }[];
  routines: string[];
};
export type DownReport = { reverted: { number: number; name: string; ms: number }[] };
export type StatusReport = {
  applied: AppliedMigration[];
  pending: { number: number; name: string; breaking: boolean }[];
  /** Applied by a newer build; this one has no files for them. */
  unknown: { number: number; name: string; breaking: boolean }[];
  /** Applied, then edited: `migrateUp` refuses until they are put back or redone. */
  changed: { number: number; name: string }[];
  /** Routine files that the next `migrateUp` would apply. */
  routines: string[];
};

/** Applies what is missing, up to and with `to`. Two that start at once migrate once: the second waits. */
export async function migrateUp(
  admin: pg.ClientConfig,
  options: Options & { to?: number } = {},
): Promise<UpReport> {
  const chain = await readChain(options.root);
  return withMigrator(admin, options.log, (client) => up(client, chain, options));
}

/** Takes back everything above `to` (0 takes back all). Rows that would be lost need `force`. */
export async function migrateDown(
  admin: pg.ClientConfig,
  options: Options & { to: number; force?: boolean },
): Promise<DownReport> {
  const chain = await readChain(options.root);
  return withMigrator(admin, options.log, (client) => down(client, chain, options));
}

/** The last migration down by the text it was applied with, and up by the file of today. For development. */
export async function migrateRedo(
  admin: pg.ClientConfig,
  options: Options & { force?: boolean } = {},
): Promise<DownReport & UpReport> {
  const chain = await readChain(options.root);
  return withMigrator(admin, options.log, async (client) => {
    const head = (await readApplied(client)).at(-1);
    if (!head) throw refuse.badTarget(0, 0);
    const { reverted } = await down(client, chain, { ...options, to: head.number - 1 });
    return { reverted, ...(await up(client, chain, { ...options, to: head.number })) };
  });
}

/** What the database has and what this build would bring; changes nothing. */
export async function migrateStatus(
  admin: pg.ClientConfig,
  options: Options = {},
): Promise<StatusReport> {
  const chain = await readChain(options.root);
  return readOnly(admin, async (client) => {
    const applied = await readApplied(client);
    const { pending, unknown, changed } = judge(chain, applied);
    const routines = routinesToApply(chain, await readRoutines(client));
    return {
      applied,
      pending: pending.map(({ number, name, up }) => ({
        number,
        name,
        breaking: up.marks.breaking,
      })),
      unknown: unknown.map(({ number, name, breaking }) => ({ number, name, breaking })),
      changed: changed.map(({ number, name }) => ({ number, name })),
      routines: unknown.length > 0 ? [] : routines.map((routine) => routine.path),
    };
  });
}

/** Preflight: what `migrateUp` would run, which locks it would take on tables in use, what its downs lose. */
export async function migrateCheck(
  admin: pg.ClientConfig,
  options: Options = {},
): Promise<CheckReport> {
  const chain = await readChain(options.root);
  return readOnly(admin, async (client) => {
    const verdict = judge(chain, await readApplied(client));
    const routines = routinesToApply(chain, await readRoutines(client));
    return {
      refusals: verdict.refusals.map((refusal) => `${refusal.code}: ${refusal.message}`),
      pending: verdict.pending.map((migration) => ({
        number: migration.number,
        name: migration.name,
        breaking: migration.up.marks.breaking,
        transaction: migration.up.marks.transaction,
        lock_timeout_ms: migration.up.marks.lock_timeout_ms,
        locks: locksOf(migration.up.text),
        downLoses: migration.down.marks.losesData,
      })),
      routines: verdict.unknown.length > 0 ? [] : routines.map((routine) => routine.path),
    };
  });
}

/** Throws unless this build may serve this database. Needs no more than SELECT on the runner's tables. */
export async function ensureCompatible(
  db: Queryable,
  options: { root?: string } = {},
): Promise<void> {
  const chain = await readChain(options.root);
  const { refusals, pending } = judge(chain, await readApplied(db));
  if (refusals[0]) throw refusals[0];
  if (pending.length > 0)
    throw refuse.pending(pending.map(({ number, name }) => ({ number, name })));
}

async function up(
  client: pg.Client,
  chain: Chain,
  options: Options & { to?: number },
): Promise<UpReport> {
  const { refusals, pending, unknown } = judge(chain, await readApplied(client));
  if (refusals[0]) throw refusals[0];
  const to = options.to ?? chain.migrations.length;
  if (to < 0 || to > chain.migrations.length) throw refuse.badTarget(to, chain.migrations.length);

  const applied: UpReport["applied"] = [];
  for (const migration of pending.filter(({ number }) => number <= to)) {
    const ms = await runStep(client, { direction: "up", migration }, options.log);
    applied.push({ number: migration.number, name: migration.name, ms });
  }
  await openToReaders(client);
  // Routines speak of the newest tables, and an older build must not put its own over a newer build's.
  const complete = unknown.length === 0 && applied.length === pending.length;
  return { applied, routines: complete ? await applyRoutines(client, chain, options.log) : [] };
}

async function down(
  client: pg.Client,
  chain: Chain,
  options: Options & { to: number; force?: boolean },
): Promise<DownReport> {
  const applied = await readApplied(client);
  if (options.to < 0 || options.to > applied.length) {
    throw refuse.badTarget(options.to, applied.length);
  }
  const steps: Migration[] = applied
    .slice(options.to)
    .reverse()
    .map((row) => wayBack(chain, row));
  if (!options.force) await refuseToLoseData(client, steps);

  const reverted: DownReport["reverted"] = [];
  for (const [index, migration] of steps.entries()) {
    const before = async (): Promise<void> => {
      // Routines rest on the tables: they leave in the transaction of the first step, and `migrateUp` brings them back.
      if (index === 0) await dropRoutines(client);
      if (migration.number === 1) await closeToReaders(client);
    };
    const ms = await runStep(client, { direction: "down", migration, before }, options.log);
    reverted.push({ number: migration.number, name: migration.name, ms });
  }
  return { reverted };
}

/** The file's down when the applied up is still the file's; else the text stored when it was applied. */
function wayBack(chain: Chain, row: AppliedMigration): Migration {
  const file = chain.migrations[row.number - 1];
  return file?.up.checksum === row.checksum ? file : migrationOf(row);
}
