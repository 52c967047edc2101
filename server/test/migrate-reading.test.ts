import { describe, expect, test } from "vitest";
import { locksOf } from "../src/kernel/migrate/locks.ts";
import { statementsOf } from "../src/kernel/migrate/statements.ts";

describe("statements end at semicolons", () => {
  const cases: [string, string, string[]][] = [
    ["two", "select 1; select 2", ["select 1", "select 2"]],
    ["nothing", " ;; -- a;b\n/* ; */", []],
    ["comments are dropped", "-- a;\nselect /* ; */ 1; -- b", ["select   1"]],
    [
      "in strings",
      "select ';', e'\\';', 'it''s;'; select 2",
      ["select ';', e'\\';', 'it''s;'", "select 2"],
    ],
    ["in names", 'select 1 as ";"; select 2', ['select 1 as ";"', "select 2"]],
    [
      "in dollar quotes",
      "do $a$ x; $$ y; $$ $a$; select $$;$$",
      ["do $a$ x; $$ y; $$ $a$", "select $$;$$"],
    ],
    ["parameters are no quotes", "select $1; select $2", ["select $1", "select $2"]],
    [
      "in atomic bodies",
      "create function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3",
      [
        "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
        "select 3",
      ],
    ],
  ];
  test.each(cases)("%s", (_, sql, expected) => expect(statementsOf(sql)).toEqual(expected));
});

describe("locks", () => {
  const cases: [string, string][] = [
    ["create table t (id int)", ""],
    ["create table s.t (id int references s.other (id))", "s.other ShareRowExclusive"],
    ["create index on s.t (id)", "s.t Share"],
    ["create unique index concurrently i on s.t (id)", "s.t ShareUpdateExclusive"],
    ["alter table s.t add column a int", "s.t AccessExclusive"],
    ["alter table only s.t validate constraint c", "s.t ShareUpdateExclusive"],
    [
      "alter table s.t add constraint c foreign key (a) references s.u",
      "s.t ShareRowExclusive, s.u ShareRowExclusive",
    ],
    [
      "create trigger x before insert on s.t for each row execute function f()",
      "s.t ShareRowExclusive",
    ],
    ["create policy p on s.t using (true)", "s.t AccessExclusive"],
    ["drop table if exists s.t", "s.t AccessExclusive"],
    ["insert into s.t values (1); alter table S.T add b int", "s.t AccessExclusive"],
    ["update s.t set a = 1", "s.t RowExclusive"],
    ["select ops.protect_tenant('s.t')", "s.t AccessExclusive"],
    ["create table s.t (id int); create index on s.t (id); select ops.append_only('s.t')", ""],
    ["comment on table s.t is 'alter table x add y int'", "s.t ShareUpdateExclusive"],
    ["grant select on s.t to r", ""],
  ];
  test.each(cases)("%s", (sql, expected) => {
    expect(
      locksOf(sql)
        .map(({ table, lock }) => `${table} ${lock}`)
        .join(", "),
    ).toBe(expected);
  });
});
