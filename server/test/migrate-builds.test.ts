import { describe, expect, test } from "vitest";
import {
  describeCheck,
  ensureCompatible,
  migrateCheck,
  migrateDown,
  migrateStatus,
  migrateUp,
} from "../src/kernel/migrate.ts";
import { withClient } from "./cluster.ts";
import { A, B, C, chain, freshDatabases, numbers, pair, refusal } from "./migrate-scratch.ts";

const { catalog, db, sql } = freshDatabases();

describe("builds of different age", () => {
  const serve = (root: string) => withClient(db, (client) => ensureCompatible(client, { root }));

  test("serving a database that lacks migrations is refused, a new one too", async () => {
    const { root } = chain(A, B);
    await expect(serve(root)).rejects.toEqual(
      refusal("migrate/pending", {
        pending: [
          { number: 1, name: "a" },
          { number: 2, name: "b" },
        ],
      }),
    );
    await migrateUp(db, { root, to: 1 });
    await expect(serve(root)).rejects.toEqual(
      refusal("migrate/pending", { pending: [{ number: 2, name: "b" }] }),
    );
    await migrateUp(db, { root });
    await expect(serve(root)).resolves.toBeUndefined();
  });

  test("an older build serves after a newer one, and leaves its routines alone", async () => {
    const ROUTINE = "kernel/routines/f.sql";
    const f = (n: number) => ({
      [ROUTINE]: `create or replace function public.f() returns int language sql return ${n};`,
    });
    const old = chain(A, f(1));
    await migrateUp(db, { root: chain(A, B, f(2)).root });
    await expect(serve(old.root)).resolves.toBeUndefined();
    expect(await migrateUp(db, { root: old.root })).toEqual({ applied: [], routines: [] });
    expect(await sql("select f()")).toEqual([{ f: 2 }]);
  });

  test("not after a breaking one", async () => {
    const old = chain(A);
    await migrateUp(db, {
      root: chain(A, pair("0002_b", "-- sealbase: breaking\nselect 1;")).root,
    });
    const refused = refusal("migrate/newer_database", { breaking: [{ number: 2, name: "b" }] });
    await expect(serve(old.root)).rejects.toEqual(refused);
    await expect(migrateUp(db, { root: old.root })).rejects.toEqual(refused);
  });

  test("an older build takes a newer migration back by the stored text", async () => {
    await migrateUp(db, { root: chain(A, B).root });
    expect(numbers((await migrateDown(db, { root: chain(A).root, to: 1 })).reverted)).toEqual([2]);
    expect(await sql("select to_regclass('b') as b")).toEqual([{ b: null }]);
  });
});

describe("routines", () => {
  const VIEW = "kernel/routines/view.sql";
  const view = (columns: string) =>
    `create or replace view public.v as select ${columns} from public.a;`;
  const F = "domains/shop/routines/f.sql";
  const f = (type: string) =>
    `create or replace function public.f(x int) returns ${type} language sql return x::${type};\nrevoke execute on function public.f(int) from public;`;

  test("come after the migrations, in path order, and again when their text changes", async () => {
    const made = chain(A, { [VIEW]: view("id"), [F]: f("int") });
    expect((await migrateUp(db, { root: made.root })).routines).toEqual([F, VIEW]);
    expect((await migrateUp(db, { root: made.root })).routines).toEqual([]);
    made.write({ [VIEW]: view("id, id + 1 as next") });
    expect((await migrateStatus(db, { root: made.root })).routines).toEqual([VIEW]);
    expect((await migrateUp(db, { root: made.root })).routines).toEqual([VIEW]);
  });

  test("may change what `create or replace` cannot: a result type, a view's columns, arguments", async () => {
    const made = chain(A, { [VIEW]: view("id, 1 as one"), [F]: f("int") });
    await migrateUp(db, { root: made.root });
    made.write({ [VIEW]: view("id"), [F]: f("text") });
    await migrateUp(db, { root: made.root });
    expect(await sql("select * from v, f(1)")).toEqual([]);
    expect(await sql("select f(1)")).toEqual([{ f: "1" }]);
    made.write({ [F]: f("text").replaceAll("x int", "x bigint").replaceAll("(int)", "(bigint)") });
    await migrateUp(db, { root: made.root });
    expect(
      await sql(
        "select to_regprocedure('f(int)') as old, to_regprocedure('f(bigint)')::text as new",
      ),
    ).toEqual([{ old: null, new: "f(bigint)" }]);
  });

  test("go when their file goes", async () => {
    const made = chain(A, { [VIEW]: view("id") });
    await migrateUp(db, { root: made.root });
    made.write({ [VIEW]: null });
    await migrateUp(db, { root: made.root });
    expect(
      await sql("select to_regclass('v') as v, (select count(*)::int from ops.routines) as rows"),
    ).toEqual([{ v: null, rows: 0 }]);
  });

  test("come back when a migration dropped them, and do not stand in the way of a down", async () => {
    const made = chain(A, { [VIEW]: view("id") });
    await migrateUp(db, { root: made.root });
    made.write(
      pair(
        "0002_b",
        "drop view if exists public.v; alter table public.a alter column id type bigint;",
        "alter table public.a alter column id type int;",
      ),
    );
    expect((await migrateUp(db, { root: made.root })).routines).toEqual([VIEW]);
    expect(numbers((await migrateDown(db, { root: made.root, to: 0 })).reverted)).toEqual([2, 1]);
    expect((await migrateUp(db, { root: made.root })).routines).toEqual([VIEW]);
  });

  test("a failed down leaves them in place", async () => {
    const { root } = chain(pair("0001_a", "create table public.a (id int);", "select 1 / 0;"), {
      [VIEW]: view("id"),
    });
    await migrateUp(db, { root });
    await expect(migrateDown(db, { root, to: 0 })).rejects.toEqual(
      refusal("migrate/failed", { sqlstate: "22012" }),
    );
    expect(await sql("select to_regclass('v')::text as v")).toEqual([{ v: "v" }]);
  });

  test("a routine that fails names its file", async () => {
    const { root } = chain({
      ...A,
      [F]: "create or replace function public.f() returns int language sql return nothing;",
    });
    await expect(migrateUp(db, { root })).rejects.toEqual(refusal("migrate/failed", { path: F }));
  });
});

describe("check", () => {
  test("prints what would run, its locks on what is in use, and what its way back loses", async () => {
    const made = chain(A, B, C, {
      "kernel/routines/f.sql":
        "create or replace function public.f() returns int language sql return 1;",
    });
    await migrateUp(db, { root: made.root, to: 2 });
    made.write(
      pair(
        "0004_d",
        "-- sealbase: breaking\n-- sealbase: lock_timeout_ms=900\ncreate table public.d (id int references public.a);\ncreate index on public.b (id);\nalter table public.d add x int;",
        "-- sealbase: loses-data public.d\ndrop table public.d;",
      ),
    );
    const before = await catalog();
    expect(describeCheck(await migrateCheck(db, { root: made.root }))).toBe(
      [
        "migration 0003_c",
        "  locks   public.a  AccessExclusive, waiting at most 5000 ms at a time",
        "migration 0004_d  [breaking]",
        "  locks   public.a  ShareRowExclusive, waiting at most 900 ms at a time",
        "  locks   public.b  Share, waiting at most 900 ms at a time",
        "  its way back loses the rows of public.d",
        "routine   kernel/routines/f.sql",
        "",
      ].join("\n"),
    );
    expect(await catalog()).toEqual(before);
    await migrateUp(db, { root: made.root });
    expect(describeCheck(await migrateCheck(db, { root: made.root }))).toBe("nothing to do\n");
  });

  test("prints why up would refuse", async () => {
    const made = chain(A);
    await migrateUp(db, { root: made.root });
    made.write({ "kernel/migrations/0001_a.up.sql": "select 1;" });
    expect(describeCheck(await migrateCheck(db, { root: made.root }))).toBe(
      "refused   migrate/changed_file: The text of 0001_a is not the one that was applied.\n",
    );
  });
});
