import { statementsOf } from "./statements.ts";

export type LockMode =
  | "RowExclusive"
  | "ShareUpdateExclusive"
  | "Share"
  | "ShareRowExclusive"
  | "Exclusive"
  | "AccessExclusive";
export type Lock = { table: string; lock: LockMode };

/**
 * The locks that a script takes on tables which are there before it: a rough reading of each statement's first
 * words, for a person to judge a migration by. Tables that the script makes itself are left out.
 */
export function locksOf(sql: string): Lock[] {
  const statements = statementsOf(sql).map((one) => one.replace(/\s+/g, " "));
  const made = new Set(statements.map((one) => nameIn(MADE, one)));
  const strongest = new Map<string, Lock>();
  const note = (table: string | undefined, lock: LockMode): void => {
    const before = table && strongest.get(table)?.lock;
    if (!table || made.has(table)) return;
    if (!before || ORDER.indexOf(before) < ORDER.indexOf(lock))
      strongest.set(table, { table, lock });
  };
  for (const statement of statements) {
    note(nameIn(REFERENCES, statement), "ShareRowExclusive");
    const rule = RULES.find(({ pattern }) => pattern.test(statement));
    if (rule) note(nameIn(rule.pattern, statement), rule.lock);
  }
  return [...strongest.values()].sort((a, b) => (a.table < b.table ? -1 : 1));
}

function nameIn(pattern: RegExp, statement: string): string | undefined {
  return pattern.exec(statement)?.[1]?.replaceAll('"', "").toLowerCase();
}

const ORDER: LockMode[] = [
  "RowExclusive",
  "ShareUpdateExclusive",
  "Share",
  "ShareRowExclusive",
  "Exclusive",
  "AccessExclusive",
];

const N = `((?:"?\\w+"?\\.)?"?\\w+"?)`;
const rule = (pattern: string, lock: LockMode) => ({ pattern: new RegExp(pattern, "i"), lock });
const MADE = new RegExp(
  `^create (?:unlogged )?(?:table|materialized view|(?:or replace )?view) (?:if not exists )?${N}`,
  "i",
);

const REFERENCES = new RegExp(`^(?:create|alter) table .*\\breferences ${N}`, "i");

/** First match decides, so the exceptions stand before their rule (PostgreSQL 17, table-level locks). */
const RULES: { pattern: RegExp; lock: LockMode }[] = [
  rule(
    `^alter table (?:if exists )?(?:only )?${N} (?:validate constraint|attach partition|(?:alter column \\w+|alter \\w+) set statistics)`,
    "ShareUpdateExclusive",
  ),
  rule(
    `^alter table (?:if exists )?(?:only )?${N} (?:add (?:constraint \\w+ )?foreign key|enable trigger|disable trigger)`,
    "ShareRowExclusive",
  ),
  rule(`^alter (?:table|view|materialized view) (?:if exists )?(?:only )?${N}`, "AccessExclusive"),
  rule(`^create (?:unique )?index concurrently .*?\\bon (?:only )?${N}`, "ShareUpdateExclusive"),
  rule(`^create (?:unique )?index .*?\\bon (?:only )?${N}`, "Share"),
  rule(`^create (?:or replace )?(?:constraint )?trigger .*?\\bon ${N}`, "ShareRowExclusive"),
  rule(`^(?:create|alter|drop) policy .*?\\bon ${N}`, "AccessExclusive"),
  rule(
    `^(?:create (?:or replace )?rule|drop trigger|drop rule) .*?\\b(?:on|to) ${N}`,
    "AccessExclusive",
  ),
  rule(`^drop index concurrently (?:if exists )?${N}`, "ShareUpdateExclusive"),
  rule(`^drop (?:table|index|view|materialized view) (?:if exists )?${N}`, "AccessExclusive"),
  rule(`^truncate (?:table )?(?:only )?${N}`, "AccessExclusive"),
  rule(`^lock (?:table )?${N}`, "AccessExclusive"),
  rule(`^refresh materialized view concurrently ${N}`, "Exclusive"),
  rule(`^(?:refresh materialized view|vacuum full|cluster) ${N}`, "AccessExclusive"),
  rule(`^comment on (?:table|column|constraint \\w+ on) ${N}`, "ShareUpdateExclusive"),
  rule(
    `^select ops\\.(?:protect_tenant|append_only|partition_monthly)\\( ?'${N}'`,
    "AccessExclusive",
  ),
  rule(`^select ops\\.touch_updated_at\\( ?'${N}'`, "ShareRowExclusive"),
  rule(`^(?:with .* )?insert into ${N}`, "RowExclusive"),
  rule(`^(?:with .* )?update (?:only )?${N}`, "RowExclusive"),
  rule(`^(?:with .* )?delete from (?:only )?${N}`, "RowExclusive"),
];
