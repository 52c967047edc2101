import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { migrateUp } from "../src/kernel/migrate.ts";
import { type Cluster, startCluster } from "./cluster.ts";

// Partitions by month, and who may do what with them. Each test runs in a transaction that is rolled back.
const HERE = "00000000-0000-7000-8000-00000000000a";

let server: Cluster;
let client: pg.Client;
const warnings: string[] = [];
beforeAll(async () => {
  server = await startCluster();
  const db = await server.database();
  await migrateUp(db);
  client = new pg.Client(db);
  client.on("notice", ({ severity, message }) => {
    if (severity === "WARNING") warnings.push(message ?? "");
  });
  await client.connect();
}, 60_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});
beforeEach(async () => {
  warnings.length = 0;
  await client.query("begin");
});
afterEach(() => client.query("rollback"));

async function strings(text: string): Promise<string[]> {
  const { rows } = await client.query({ text, rowMode: "array" });
  return rows.map(([first]) => String(first));
}
const as = (role: string) =>
  client.query("select set_config('role', $1, true), set_config('app.tenant_id', $2, true)", [
    role,
    HERE,
  ]);

/** What a server runs at its start. */
async function housekeep(): Promise<void> {
  await as("sealbase_writer");
  await client.query("select ops.housekeep()");
  await client.query("reset role");
}
/** The month that housekeeping makes last, without its partition. */
const LAST = "date_trunc('month', now() at time zone 'utc') + interval '3 months'";
const partOf = async (table: string) =>
  `${table}_${(await strings(`select to_char(${LAST}, 'YYYYMM')`))[0]}`;
const idIn = (month: string, n: number) =>
  `(substr(ops.uuid_floor((${month}) at time zone 'utc')::text, 1, 14) || '7000-8000-${String(n).padStart(12, "0")}')::uuid`;
const putLink = (id: string) =>
  client.query(
    `insert into telemetry.event_links (tenant_id, decision_id, request_id, operation, actor, outcome, created_at)
     values ('${HERE}', ${id}, 'r', 'o', 'a', 'read', now())`,
  );
const places = () =>
  strings("select tableoid::regclass::text from telemetry.event_links order by decision_id");

test("rows that a clock left in the default partition move into the month that is made for them", async () => {
  const part = await partOf("telemetry.event_links");
  await client.query(`drop table ${part}`);
  await as("sealbase_writer");
  await putLink(idIn(LAST, 1));
  await putLink(idIn(LAST, 2));
  await putLink(idIn(`${LAST} + interval '1 month'`, 3));
  await client.query("reset role");
  const rest = "telemetry.event_links_default";
  expect(await places()).toEqual([rest, rest, rest]);
  await housekeep();
  expect(warnings).toEqual([]);
  expect(await places()).toEqual([part, part, rest]);
  // The guards are awake again, and the new partition has them all.
  for (const table of ["telemetry.event_links", rest, part])
    for (const text of [
      `delete from ${table}`,
      `update ${table} set actor = 'b'`,
      `truncate ${table}`,
    ]) {
      await client.query("savepoint attempt");
      await expect(client.query(text), text).rejects.toMatchObject({ code: "42501" });
      await client.query("rollback to attempt");
    }
});

test("a partition that is made again is the one that was", async () => {
  const part = await partOf("authz.policy_decisions");
  const shape = () =>
    strings(
      `select pg_get_indexdef(indexrelid) from pg_index where indrelid = '${part}'::regclass
       union all select format('%s %s %s', pg_get_constraintdef(oid), conislocal, coninhcount) from pg_constraint where conrelid = '${part}'::regclass
       union all select format('%s %s', pg_get_triggerdef(oid), tgenabled) from pg_trigger where tgrelid = '${part}'::regclass
       union all select format('%s %s %s', pg_get_expr(relpartbound, oid), relowner::regrole, relacl) from pg_class where oid = '${part}'::regclass
       order by 1`,
    );
  const before = await shape();
  expect(before.length).toBeGreaterThan(4);
  await client.query(`drop table ${part}`);
  await housekeep();
  expect(await shape()).toEqual(before);
});

test("every session makes the same months, wherever it is", async () => {
  const bounds = () =>
    strings(
      "select pg_get_expr(relpartbound, oid) from pg_class where relpartbound is not null and relname like 'event_links_2%' order by 1",
    );
  const before = await bounds();
  for (const part of await strings(
    "select oid::regclass from pg_class where relispartition and relname like 'event_links_2%' and relkind = 'r'",
  ))
    await client.query(`drop table ${part}`);
  await client.query("set local time zone 'America/Los_Angeles'");
  await housekeep();
  expect(await bounds()).toEqual(before);
});

test("one table that fails is a warning, and the others get theirs", async () => {
  const [failing, fine] = [
    await partOf("telemetry.event_links"),
    await partOf("vedic.fraud_scores"),
  ];
  await client.query(`drop table ${failing}; drop table ${fine};
    alter table telemetry.event_links_default rename to event_links_rest;
    create table telemetry.event_links_default ()`);
  await housekeep();
  expect(warnings).toEqual([expect.stringContaining("telemetry.event_links")]);
  expect(
    await strings(
      `select to_regclass('${fine}') is not null and to_regclass('${failing}') is null`,
    ),
  ).toEqual(["true"]);
});

test("somebody else's tables are left alone", async () => {
  await client.query(`create schema elsewhere;
    create table elsewhere.orders (order_id int) partition by range (order_id);
    create table public.orders (order_id int) partition by range (order_id);
    create table telemetry.theirs (id uuid) partition by range (id);
    set local role sealbase_migrator;
    create temporary table passing (id uuid) partition by range (id);
    reset role`);
  await housekeep();
  expect(warnings).toEqual([]);
  expect(
    await strings(
      "select inhrelid::regclass from pg_inherits join pg_class c on c.oid = inhparent where c.relname in ('orders', 'theirs', 'passing')",
    ),
  ).toEqual([]);
});

test("what the server signs in as may write and read, and never delete for retention", async () => {
  expect(
    await strings(
      "select roleid::regrole::text from pg_auth_members where member = 'sealbase_server'::regrole order by 1",
    ),
  ).toEqual(["sealbase_reader", "sealbase_writer"]);
  expect(
    await strings("select pg_has_role('sealbase_server', 'sealbase_retention', 'member')"),
  ).toEqual(["false"]);
});
