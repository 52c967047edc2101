import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Migration, Script } from "./files.ts";
import { refuse } from "./refusals.ts";
import { enterMigratorRole } from "./role.ts";
import type { Log } from "./session.ts";
import { statementsOf } from "./statements.ts";

export type Step = {
  direction: "up" | "down";
  migration: Migration;
  /** Done in the same transaction, ahead of the file. */
  before?: (() => Promise<void>) | undefined;
};

/** How often a step tries for its locks. */
const LOCK_ATTEMPTS = 5;
const LOCK_NOT_AVAILABLE = "55P03";
const DEADLOCK_DETECTED = "40P01";

/** Runs one file and books it, both or neither; each attempt leaves a row in `ops.migration_runs`. */
export async function runStep(
  client: pg.Client,
  step: Step,
  log: Log | undefined,
): Promise<number> {
  const { number, name } = step.migration;
  const script = step.migration[step.direction];
  const { lock_timeout_ms } = script.marks;
  for (let attempt = 1; ; attempt += 1) {
    const run = await openRun(client, step);
    const start = performance.now();
    try {
      const ms = script.marks.transaction
        ? await inTransaction(client, step, script)
        : await withoutTransaction(client, step, script);
      await closeRun(client, run, "done", null);
      log?.(`${step.direction} ${script.path} (${ms} ms)`);
      return ms;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      // A lost connection leaves the run open; the next one closes it as interrupted.
      await closeRun(client, run, "failed", error.message).catch(() => undefined);
      if (error.code !== LOCK_NOT_AVAILABLE && error.code !== DEADLOCK_DETECTED) {
        throw failure(script, step, error);
      }
      if (attempt === LOCK_ATTEMPTS) {
        const facts = { number, name, direction: step.direction };
        throw refuse.lockTimeout(facts, lock_timeout_ms, attempt);
      }
      log?.(`${script.path} got no lock in ${Math.round(performance.now() - start)} ms; again`);
      // Whoever queued behind our lock request gets as long as we kept them waiting.
      await sleep(lock_timeout_ms);
    }
  }
}

async function inTransaction(client: pg.Client, step: Step, script: Script): Promise<number> {
  const start = performance.now();
  await client.query("begin");
  try {
    await setTimeouts(client, script, true);
    await step.before?.();
    await enterMigratorRole(client, step.migration.number, "local");
    await client.query(script.text);
    await client.query("reset role");
    const ms = Math.round(performance.now() - start);
    await book(client, step, ms);
    await client.query("commit");
    return ms;
  } catch (error) {
    // On a lost connection the server rolls back by itself, and the first error is the one that counts.
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** Statement by statement: several in one message would be one implicit transaction. */
async function withoutTransaction(client: pg.Client, step: Step, script: Script): Promise<number> {
  const start = performance.now();
  try {
    await setTimeouts(client, script, false);
    await step.before?.();
    await enterMigratorRole(client, step.migration.number, "session");
    for (const statement of statementsOf(script.text)) await client.query(statement);
  } finally {
    const reset = "reset role; reset lock_timeout; reset statement_timeout";
    await client.query(reset).catch(() => undefined);
  }
  const ms = Math.round(performance.now() - start);
  await book(client, step, ms);
  return ms;
}

async function setTimeouts(client: pg.Client, { marks }: Script, local: boolean): Promise<void> {
  await client.query(
    `select set_config('lock_timeout', $1, $3), set_config('statement_timeout', $2, $3)`,
    [`${marks.lock_timeout_ms}ms`, `${marks.statement_timeout_ms}ms`, local],
  );
}

async function book(client: pg.Client, { direction, migration }: Step, ms: number): Promise<void> {
  if (direction === "down") {
    await client.query(`delete from ops.migrations where number = $1`, [migration.number]);
    return;
  }
  await client.query(
    `insert into ops.migrations (number, name, checksum, breaking, up_sql, down_sql, applied_ms)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      migration.number,
      migration.name,
      migration.up.checksum,
      migration.up.marks.breaking,
      migration.up.text,
      migration.down.text,
      ms,
    ],
  );
}

async function openRun(client: pg.Client, { direction, migration }: Step): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into ops.migration_runs (direction, number, name) values ($1, $2, $3) returning id::text`,
    [direction, migration.number, migration.name],
  );
  return rows[0]?.id as string;
}

async function closeRun(
  client: pg.Client,
  id: string,
  outcome: string,
  error: string | null,
): Promise<void> {
  await client.query(
    `update ops.migration_runs set finished_at = clock_timestamp(), outcome = $2, error = $3 where id = $1`,
    [id, outcome, error],
  );
}

function failure(script: Script, { direction, migration }: Step, error: pg.DatabaseError): Error {
  const { number, name } = migration;
  const line = error.position
    ? script.text.slice(0, Number(error.position) - 1).split("\n").length
    : null;
  const place = line === null || !script.marks.transaction ? script.path : `${script.path}:${line}`;
  const facts = { number, name, direction, place, sqlstate: error.code ?? null };
  return refuse.failed(place, error.message, facts);
}
