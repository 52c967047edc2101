import { type Facts, Refusal } from "../refusal.ts";

type Named = { number: number; name: string };
const list = (these: readonly Named[]): string =>
  these.map(({ number, name }) => `${String(number).padStart(4, "0")}_${name}`).join(", ");

/** Every way in which migrating is refused. */
export const refuse = {
  badNumberLine: (message: string, facts: Facts) =>
    new Refusal(
      "migrate/bad_number_line",
      500,
      message,
      facts,
      "Number the migrations 0001, 0002, … over all folders, without gaps and without repeats.",
    ),
  missingPair: (path: string, wanted: string) =>
    new Refusal(
      "migrate/missing_pair",
      500,
      `${path} has no ${wanted} beside it.`,
      { path, wanted },
      "Write the other half: every migration has its way back.",
    ),
  badFile: (path: string, message: string) =>
    new Refusal("migrate/bad_file", 500, `${path}: ${message}`, { path }, "Correct the file."),
  changedFile: (changed: readonly Named[]) =>
    new Refusal(
      "migrate/changed_file",
      409,
      `The text of ${list(changed)} is not the one that was applied.`,
      { changed },
      "Put the applied text back and write a new migration; in development use redo.",
    ),
  pending: (pending: readonly Named[]) =>
    new Refusal(
      "migrate/pending",
      409,
      `The database lacks ${list(pending)}.`,
      { pending },
      "Run `sealbase migrate up` as the database owner, then start again.",
    ),
  newerDatabase: (breaking: readonly Named[]) =>
    new Refusal(
      "migrate/newer_database",
      409,
      `A newer build applied ${list(breaking)}, marked as breaking for this one.`,
      { breaking },
      "Run the newer build.",
    ),
  badTarget: (to: number, head: number) =>
    new Refusal(
      "migrate/bad_target",
      409,
      `There is no migration ${to} to stop at: the line goes from 0 to ${head}.`,
      { to, head },
      "Name a number on the line.",
    ),
  wouldLoseData: (tables: readonly string[]) =>
    new Refusal(
      "migrate/would_lose_data",
      409,
      `Going down would lose the rows of ${tables.join(", ")}.`,
      { tables },
      "Save the rows, then repeat with --force.",
    ),
  lockTimeout: (step: Named & { direction: string }, lock_timeout_ms: number, attempts: number) =>
    new Refusal(
      "migrate/lock_timeout",
      409,
      `${list([step])} (${step.direction}) waited ${attempts} times ${lock_timeout_ms} ms for a lock and changed nothing.`,
      { ...step, lock_timeout_ms, attempts },
      "Find the long transaction in pg_stat_activity, end it or wait for a quiet hour, and repeat.",
    ),
  busy: (waited_ms: number) =>
    new Refusal(
      "migrate/busy",
      409,
      `Another process has been migrating this database for ${waited_ms} ms.`,
      { waited_ms },
      "Wait for it, or end it if it hangs.",
    ),
  failed: (what: string, message: string, facts: Facts) =>
    new Refusal(
      "migrate/failed",
      500,
      `${what} failed: ${message}`,
      facts,
      "Correct the cause and repeat; the migrations before this one stay applied.",
    ),
};
