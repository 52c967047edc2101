import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { renderSchema } from "../../scripts/generate-schema.ts";
import { migrateUp } from "../src/kernel/migrate.ts";
import { packageRoot } from "../src/kernel/package-root.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import {
  APPEND_ONLY,
  BEFORE_TENANT,
  CANONICAL,
  GLOBAL,
  KEPT_BY_RETENTION,
  RETENTION,
  ROLES,
} from "./schema-canonical.ts";
import { insertRow } from "./schema-rows.ts";

// Rules that hold for every table, asked of the migrated database itself.
const HERE = "00000000-0000-7000-8000-00000000000a";
const ELSEWHERE = "00000000-0000-7000-8000-00000000000b";

let server: Cluster;
let client: pg.Client;
let tenantTables: string[];
let appendOnly: string[];
const PEOPLE = ["control_plane.users", "control_plane.identities", "control_plane.projects"];
beforeAll(async () => {
  server = await startCluster();
  const db = await server.database();
  await migrateUp(db);
  client = new pg.Client(db);
  await client.connect();
  tenantTables = (
    await strings(
      `select c.oid::regclass::text from ${TABLES} and exists (select from pg_attribute a where a.attrelid = c.oid and attname = 'tenant_id')`,
    )
  ).sort();
  appendOnly = await strings(
    `select c.oid::regclass::text from ${TABLES} and exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'append_only')`,
  );
  await client.query("set session_replication_role = replica");
  for (const table of [...tenantTables, ...PEOPLE, "vedic.model_versions"])
    await insertRow(client, table, HERE);
  await client.query("reset session_replication_role");
}, 60_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});
afterEach(() => client.query("rollback"));

const OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'";
const TABLES = `pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OURS} and c.relkind in ('r', 'p') and not c.relispartition`;

async function strings(text: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await client.query({ text, values, rowMode: "array" });
  return rows.map(([first]) => first as string);
}
async function as(role: string, tenantId: string | null = null): Promise<void> {
  await client.query("begin");
  await client.query("select set_config('role', $1, true), set_config('app.tenant_id', $2, true)", [
    role,
    tenantId ?? "",
  ]);
}
async function mayRead(table: string): Promise<boolean> {
  const [answer] = await strings("select has_any_column_privilege($1, 'select')::text", [table]);
  return answer === "true";
}
/** The SQLSTATE of a refusal, or "done". */
async function outcome(text: string): Promise<string> {
  await client.query("savepoint attempt");
  try {
    await client.query(text);
    return "done";
  } catch (error) {
    await client.query("rollback to attempt");
    return (error as pg.DatabaseError).code ?? String(error);
  }
}
const DENIED = "42501";

describe("shape", () => {
  test("all canonical tables exist", async () => {
    const promised = Object.entries(CANONICAL).flatMap(([schema, names]) =>
      names.split(" ").map((name) => `${schema}.${name}`),
    );
    const found = await strings(
      `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where ${OURS} and c.relkind in ('r', 'p', 'v') and not c.relispartition`,
    );
    expect(promised.filter((table) => !found.includes(table))).toEqual([]);
  });

  test("no foreign key crosses a schema", async () => {
    expect(
      await strings(
        `select k.conname from pg_constraint k join pg_class a on a.oid = k.conrelid join pg_class b on b.oid = k.confrelid
          where k.contype = 'f' and a.relnamespace <> b.relnamespace`,
      ),
    ).toEqual([]);
  });

  test("a table without tenant_id is a global one", async () => {
    const all = await strings(`select c.oid::regclass::text from ${TABLES}`);
    expect(all.filter((table) => !tenantTables.includes(table)).sort()).toEqual(GLOBAL);
  });

  test("tenant_id is not null and leads every index", async () => {
    expect(
      await strings(
        `select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
           join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
          where ${OURS} and c.relkind in ('r', 'p', 'm') and not c.relispartition
            and (i.indkey[0] <> t.attnum or (not t.attnotnull and c.relkind <> 'm'))
            and (select relname from pg_class where oid = i.indexrelid) <> all($1)`,
        [BEFORE_TENANT],
      ),
    ).toEqual([]);
  });

  test("unique constraints over nullable columns take nulls as equal", async () => {
    expect(
      await strings(
        `select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
          where ${OURS} and i.indisunique and not i.indnullsnotdistinct and not c.relispartition and c.relkind <> 'm'
            and exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum = any(i.indkey::int2[]) and not a.attnotnull)
            -- "where column is not null" leaves no nulls to compare
            and coalesce(pg_get_expr(i.indpred, i.indrelid), '') !~ 'IS NOT NULL'`,
      ),
    ).toEqual([]);
  });

  test("every table and view of ours says what it is for", async () => {
    expect(
      await strings(
        `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where ${OURS} and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition and obj_description(c.oid, 'pg_class') is null`,
      ),
    ).toEqual([]);
  });

  test("updated_at is kept by a trigger", async () => {
    expect(
      await strings(
        `select c.oid::regclass::text from ${TABLES}
            and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'updated_at')
            and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'touch_updated_at')`,
      ),
    ).toEqual([]);
  });

  test("the types that the code is checked with are current", async () => {
    const file = await readFile(join(packageRoot, "src/kernel/schema.ts"), "utf8");
    expect(file).toBe(await renderSchema(client));
  });
});

describe("roles", () => {
  test("own nothing but the functions of retention, bypass nothing, and cannot log in", async () => {
    expect(
      await strings(
        `select rolname from pg_roles r where rolname = any($1) and (rolsuper or rolbypassrls or rolcanlogin or rolcreaterole or rolcreatedb
            or exists (select from pg_class where relowner = r.oid)
            or exists (select from pg_proc p where proowner = r.oid and p.oid::regprocedure::text <> all($2)))`,
        [ROLES, RETENTION],
      ),
    ).toEqual([]);
  });

  test("the public may run no function and read no table of ours", async () => {
    expect(
      await strings(
        `select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          where ${OURS} and n.nspname <> 'public' and exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0)
         union all
         select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where ${OURS} and exists (select from aclexplode(relacl) where grantee = 0)`,
      ),
    ).toEqual([]);
  });

  test("functions that run as their owner fix their search path", async () => {
    expect(
      await strings(
        `select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          where ${OURS} and prosecdef and not coalesce('search_path=""' = any(proconfig), false)`,
      ),
    ).toEqual([]);
  });
});

describe("projects do not see each other", () => {
  test("row-level security is on and forced where there is a tenant_id", async () => {
    expect(
      await strings(
        `select c.oid::regclass::text from ${TABLES} and c.oid::regclass::text = any($1)
            and not (c.relrowsecurity and c.relforcerowsecurity)`,
        [
          [
            ...tenantTables,
            "control_plane.users",
            "control_plane.identities",
            "control_plane.organizations",
            "control_plane.projects",
          ],
        ],
      ),
    ).toEqual([]);
  });

  test("partitions and materialized views, which no policy guards, are out of reach", async () => {
    expect(
      await strings(
        `select r || ' ' || c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest($1::text[]) r
          where ${OURS} and (c.relispartition or c.relkind = 'm')
            and has_table_privilege(r, c.oid, 'select, insert, update, delete, truncate')`,
        [ROLES],
      ),
    ).toEqual([]);
  });

  const seen: [string, string | null, number][] = [
    ["none without a project", null, 0],
    ["none for another project", ELSEWHERE, 0],
    ["its own for the project", HERE, 1],
  ];
  test.each(seen)("rows: %s", async (_, tenantId, expected) => {
    const views = await strings(
      `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OURS} and c.relkind = 'v'`,
    );
    const guarded = [...tenantTables, ...PEOPLE, ...(expected === 0 ? views : [])];
    const wrong: string[] = [];
    for (const role of ROLES) {
      await as(role, tenantId);
      for (const table of guarded) {
        if (!(await mayRead(table))) continue;
        const [rows] = await strings(`select count(*)::int from ${table}`);
        if (Number(rows) !== expected) wrong.push(`${role} ${table} ${rows}`);
      }
      await client.query("rollback");
    }
    expect(wrong).toEqual([]);
  });

  test("a row of another project cannot be written", async () => {
    await client.query("begin; set local session_replication_role = replica");
    await client.query(
      "select set_config('role', 'sealbase_writer', true), set_config('app.tenant_id', $1, true)",
      [HERE],
    );
    const done: string[] = [];
    for (const table of tenantTables) {
      await client.query("savepoint attempt");
      const result = await insertRow(client, table, ELSEWHERE).then(
        () => "done",
        (error: pg.DatabaseError) => error.code,
      );
      await client.query("rollback to attempt");
      if (result !== DENIED) done.push(`${table} ${result}`);
    }
    expect(done).toEqual([]);
  });
});

describe("append-only", () => {
  test("are the records", async () => {
    expect(APPEND_ONLY.filter((table) => !appendOnly.includes(table))).toEqual([]);
  });

  // The owner and the superuser meet the trigger, the others have no right in the first place.
  test.each([...ROLES, "sealbase_migrator", "postgres"])(
    "refuses UPDATE, DELETE and TRUNCATE to %s",
    async (role) => {
      const wrong: string[] = [];
      const admin = (await strings("select session_user::text"))[0] as string;
      await as(role === "postgres" ? admin : role, HERE);
      for (const table of new Set([...APPEND_ONLY, ...appendOnly])) {
        const [column] = await strings(
          `select attname::text from pg_attribute where attrelid = $1::regclass and attnum > 0 and attgenerated = '' order by attnum limit 1`,
          [table],
        );
        const may =
          role === "sealbase_retention" &&
          !KEPT_BY_RETENTION.includes(table) &&
          table !== "vedic.model_versions";
        const attempts: [string, string][] = [
          [`update ${table} set ${column} = ${column}`, DENIED],
          [`delete from ${table}`, may ? "done" : DENIED],
          [`truncate ${table} cascade`, DENIED],
        ];
        for (const [text, expected] of attempts) {
          const result = await outcome(text);
          // Rows that others refer to leave after those; a foreign key is a refusal too.
          if (result !== expected && result !== "23503") wrong.push(`${text}: ${result}`);
        }
      }
      expect(wrong).toEqual([]);
    },
  );
});
