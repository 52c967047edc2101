import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  ensureCompatible,
  migrateDown,
  migrateRedo,
  migrateStatus,
  migrateUp,
} from "../src/kernel/migrate.ts";
import { withClient } from "./cluster.ts";
import { A, B, C, chain, freshDatabases, numbers, pair, refusal } from "./migrate-scratch.ts";

const { catalog, db, sql } = freshDatabases();

describe("up and down", () => {
  test("one number line over all folders, up, down and up to the same catalog", async () => {
    const { root } = chain(A, B, C);
    const up = await migrateUp(db, { root });
    expect(up.applied.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    const first = await catalog();
    expect(numbers((await migrateDown(db, { root, to: 0 })).reverted)).toEqual([3, 2, 1]);
    expect(await catalog()).not.toEqual(first);
    await migrateUp(db, { root });
    expect(await catalog()).toEqual(first);
    expect(
      await sql("select direction, number, outcome from ops.migration_runs order by id"),
    ).toEqual(
      [1, 2, 3, -3, -2, -1, 1, 2, 3].map((n) => ({
        direction: n < 0 ? "down" : "up",
        number: Math.abs(n),
        outcome: "done",
      })),
    );
  });

  test("stops at `to`, goes on from there, and has nothing to do at the end", async () => {
    const { root } = chain(A, B, C);
    expect(numbers((await migrateUp(db, { root, to: 2 })).applied)).toEqual([1, 2]);
    expect(numbers((await migrateUp(db, { root })).applied)).toEqual([3]);
    expect((await migrateUp(db, { root })).applied).toEqual([]);
    expect(numbers((await migrateDown(db, { root, to: 1 })).reverted)).toEqual([3, 2]);
  });

  test.each([-1, 4])("refuses to stop at %i", async (to) => {
    const { root } = chain(A, B, C);
    await expect(migrateUp(db, { root, to })).rejects.toEqual(
      refusal("migrate/bad_target", { to }),
    );
    await expect(migrateDown(db, { root, to })).rejects.toEqual(
      refusal("migrate/bad_target", { to }),
    );
  });

  test("redo goes down by the applied text and up by the file of today", async () => {
    const made = chain(A, B);
    await migrateUp(db, { root: made.root });
    made.write({
      "kernel/migrations/0002_b.up.sql": "create table public.b2 (id int);",
      "kernel/migrations/0002_b.down.sql": "drop table public.b2;",
    });
    const { reverted, applied } = await migrateRedo(db, { root: made.root });
    expect([numbers(reverted), numbers(applied)]).toEqual([[2], [2]]);
    expect(await sql("select to_regclass('b') as b, to_regclass('b2')::text as b2")).toEqual([
      { b: null, b2: "b2" },
    ]);
  });

  test("redo of a database without migrations is refused", async () => {
    await expect(migrateRedo(db, chain(A))).rejects.toEqual(refusal("migrate/bad_target"));
  });

  test("status tells applied, pending, changed; and makes nothing in a new database", async () => {
    const made = chain(A, B);
    const before = await catalog();
    expect(numbers((await migrateStatus(db, { root: made.root })).pending)).toEqual([1, 2]);
    expect(await catalog()).toEqual(before);
    await migrateUp(db, { root: made.root, to: 1 });
    made.write({ "kernel/migrations/0001_a.up.sql": "select 1;" });
    const status = await migrateStatus(db, { root: made.root });
    expect({
      applied: numbers(status.applied),
      pending: status.pending,
      changed: status.changed,
    }).toEqual({
      applied: [1],
      pending: [{ number: 2, name: "b", breaking: false }],
      changed: [{ number: 1, name: "a" }],
    });
  });
});

describe("files", () => {
  test("an applied file that changed is refused, by up and by serve", async () => {
    const made = chain(A, B);
    await migrateUp(db, { root: made.root, to: 1 });
    made.write({ "kernel/migrations/0001_a.up.sql": `${A["kernel/migrations/0001_a.up.sql"]}\n` });
    const refused = refusal("migrate/changed_file", { changed: [{ number: 1, name: "a" }] });
    await expect(migrateUp(db, { root: made.root })).rejects.toEqual(refused);
    await expect(
      withClient(db, (client) => ensureCompatible(client, { root: made.root })),
    ).rejects.toEqual(refused);
    expect(await sql("select to_regclass('b') as b")).toEqual([{ b: null }]);
  });

  test("line ends of another checkout are not a change", async () => {
    const made = chain(pair("0001_a", "create table public.a (\n  id int);\n"));
    await migrateUp(db, { root: made.root });
    made.write({ "kernel/migrations/0001_a.up.sql": "create table public.a (\r\n  id int);\r\n" });
    expect((await migrateUp(db, { root: made.root })).applied).toEqual([]);
  });

  const wrong: [string, string, Record<string, string>][] = [
    ["a gap", "migrate/bad_number_line", { ...A, ...C }],
    ["a line that does not begin at 1", "migrate/bad_number_line", B],
    ["two with one number", "migrate/bad_number_line", { ...A, ...pair("0001_b", "select 1;") }],
    [
      "an up without a down",
      "migrate/missing_pair",
      { "kernel/migrations/0001_a.up.sql": "select 1;" },
    ],
    [
      "a down without an up",
      "migrate/missing_pair",
      { "kernel/migrations/0001_a.down.sql": "select 1;" },
    ],
    ["a name without number", "migrate/bad_file", { "kernel/migrations/a.up.sql": "select 1;" }],
    [
      "a mark that nobody knows",
      "migrate/bad_file",
      pair("0001_a", "-- sealbase: braking\nselect 1;"),
    ],
    ["a commit of its own", "migrate/bad_file", pair("0001_a", "select 1; commit; select 2;")],
    [
      "a table in a routine file",
      "migrate/bad_file",
      { "kernel/routines/a.sql": "create table public.t (id int);" },
    ],
  ];
  test.each(wrong)("refuses %s", async (_, code, files) => {
    const { root } = chain(files);
    await expect(migrateUp(db, { root })).rejects.toEqual(refusal(code));
  });
});

describe("failing", () => {
  test("a failed migration leaves nothing of itself, and the ones before it stay", async () => {
    const { root } = chain(
      A,
      pair("0002_b", "create table public.b (id int);\n\ninsert into nowhere values (1);"),
    );
    await expect(migrateUp(db, { root })).rejects.toEqual(
      refusal("migrate/failed", {
        number: 2,
        place: "kernel/migrations/0002_b.up.sql:3",
        sqlstate: "42P01",
      }),
    );
    expect(
      await sql("select to_regclass('a') is not null as a, to_regclass('b') is not null as b"),
    ).toEqual([{ a: true, b: false }]);
    expect(await sql("select number, outcome, error from ops.migration_runs order by id")).toEqual([
      { number: 1, outcome: "done", error: null },
      { number: 2, outcome: "failed", error: 'relation "nowhere" does not exist' },
    ]);
    expect(numbers((await migrateStatus(db, { root })).applied)).toEqual([1]);
  });

  test("a run that was cut off is closed as interrupted by the next", async () => {
    const { root } = chain(A);
    await migrateUp(db, { root });
    await sql("insert into ops.migration_runs (direction, number, name) values ('up', 2, 'b')");
    await migrateUp(db, { root });
    expect(await sql("select outcome from ops.migration_runs where number = 2")).toEqual([
      { outcome: "interrupted" },
    ]);
  });

  test("a connection that is lost on the way leaves nothing, and the next run goes on", async () => {
    const { root } = chain(
      A,
      pair("0002_b", "create table public.b (id int);\nselect pg_sleep(0.4);"),
    );
    const run = migrateUp(db, { root });
    const ended = expect(run).rejects.toEqual(refusal("migrate/failed", { sqlstate: "57P01" }));
    const busy =
      "select pid from pg_stat_activity where query like '%pg_sleep(0.4)%' and pid <> pg_backend_pid()";
    while ((await sql(busy)).length === 0) await sleep(10);
    await sql(`select pg_terminate_backend(pid) from (${busy}) b`);
    await ended;
    expect(numbers((await migrateUp(db, { root })).applied)).toEqual([2]);
    expect(
      await sql("select outcome from ops.migration_runs where number = 2 order by id"),
    ).toEqual([{ outcome: "interrupted" }, { outcome: "done" }]);
  });

  test("no-transaction runs what Postgres refuses in one", async () => {
    const { root } = chain(
      A,
      pair(
        "0002_i",
        "-- sealbase: no-transaction\ncreate index concurrently a_id on public.a (id);\nselect 1;",
        "drop index public.a_id;",
      ),
    );
    expect(numbers((await migrateUp(db, { root })).applied)).toEqual([1, 2]);
    expect(numbers((await migrateDown(db, { root, to: 0 })).reverted)).toEqual([2, 1]);
  });

  test("a statement that takes too long is cut off", async () => {
    const { root } = chain(
      pair("0001_a", "-- sealbase: statement_timeout_ms=50\nselect pg_sleep(5);"),
    );
    await expect(migrateUp(db, { root })).rejects.toEqual(
      refusal("migrate/failed", { sqlstate: "57014" }),
    );
  });
});

describe("locks", () => {
  test("two that start at once migrate once", async () => {
    const { root } = chain(
      A,
      pair("0002_slow", "select pg_sleep(0.3); create table public.b (id int);"),
      C,
    );
    const reports = await Promise.all([1, 2, 3].map(() => migrateUp(db, { root })));
    expect(reports.map(({ applied }) => applied.length).sort((a, b) => a - b)).toEqual([0, 0, 3]);
    expect(await sql("select count(*)::int as runs from ops.migration_runs")).toEqual([
      { runs: 3 },
    ]);
  });

  test("one that waits does not hold up a concurrent index of the one ahead", async () => {
    const { root } = chain(
      A,
      pair(
        "0002_i",
        "-- sealbase: no-transaction\nselect pg_sleep(0.3);\ncreate index concurrently a_id on public.a (id);",
      ),
    );
    const reports = await Promise.all([migrateUp(db, { root }), migrateUp(db, { root })]);
    expect(reports.map(({ applied }) => applied.length).sort((a, b) => a - b)).toEqual([0, 2]);
  });

  const LOCKING = pair(
    "0002_lock",
    "-- sealbase: lock_timeout_ms=40\nalter table public.a add column b int;",
    "alter table public.a drop column b;",
  );

  test("gives up when its lock budget is spent, and changed nothing", async () => {
    const { root } = chain(A, LOCKING);
    await migrateUp(db, { root, to: 1 });
    await withClient(db, async (holder) => {
      await holder.query("begin; lock table public.a in access share mode");
      await expect(migrateUp(db, { root })).rejects.toEqual(
        refusal("migrate/lock_timeout", { number: 2, lock_timeout_ms: 40, attempts: 5 }),
      );
      await holder.query("rollback");
    });
    expect(
      await sql("select count(*)::int as tries from ops.migration_runs where outcome = 'failed'"),
    ).toEqual([{ tries: 5 }]);
    expect(numbers((await migrateUp(db, { root })).applied)).toEqual([2]);
  });

  test("tries again while its lock budget lasts", async () => {
    const { root } = chain(A, LOCKING);
    await migrateUp(db, { root, to: 1 });
    await withClient(db, async (holder) => {
      await holder.query("begin; lock table public.a in access share mode");
      const run = migrateUp(db, { root });
      await sleep(150);
      await holder.query("rollback");
      expect(numbers((await run).applied)).toEqual([2]);
    });
  });
});

describe("losing data", () => {
  test("rows need force; empty tables do not", async () => {
    const { root } = chain(A, B);
    await migrateUp(db, { root });
    await migrateDown(db, { root, to: 0 });
    await migrateUp(db, { root });
    await sql("insert into a values (1)");
    // The first step, b, would lose nothing; it is not taken either.
    await expect(migrateDown(db, { root, to: 0 })).rejects.toEqual(
      refusal("migrate/would_lose_data", { tables: ["public.a"] }),
    );
    expect(await sql("select to_regclass('b') is not null as b")).toEqual([{ b: true }]);
    expect(numbers((await migrateDown(db, { root, to: 1 })).reverted)).toEqual([2]);
    expect(numbers((await migrateDown(db, { root, to: 0, force: true })).reverted)).toEqual([1]);
  });

  test("rows count that row-level security hides from all but the owner's role", async () => {
    await sql(`create role sealbase_migrator; create role plain login password 'x';
               grant sealbase_migrator to plain with inherit false, set true;
               alter database ${db.database} owner to plain; grant create on schema public to sealbase_migrator`);
    onTestFinished(async () => {
      await sql(`drop table public.a; drop owned by sealbase_migrator; drop owned by plain cascade;
                 alter database ${db.database} owner to current_user; drop role plain; drop role sealbase_migrator`);
    });
    const table = `create table public.a (id int); insert into public.a values (1);
      alter table public.a enable row level security; alter table public.a force row level security;
      create policy owner on public.a to sealbase_migrator using (true);
      grant select on public.a to public;`;
    const down = "-- sealbase: loses-data public.a\ndrop table public.a;";
    const { root } = chain(pair("0001_roles", "select 1;"), pair("0002_a", table, down));
    const plain = { ...db, user: "plain", password: "x" };
    await migrateUp(plain, { root });
    expect(
      await withClient(plain, async (client) => (await client.query("select from a")).rows),
    ).toEqual([]);
    await expect(migrateDown(plain, { root, to: 0 })).rejects.toEqual(
      refusal("migrate/would_lose_data"),
    );
  });
});
