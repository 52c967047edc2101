import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readChain } from "../src/kernel/migrate/files.ts";
import { statementsOf } from "../src/kernel/migrate/statements.ts";
import { ensureCompatible, migrateDown, migrateUp } from "../src/kernel/migrate.ts";
import { type Cluster, startCluster, withClient } from "./cluster.ts";
import { catalogOf } from "./migrate-catalog.ts";

// The project's own migrations, each one there and back.
const { migrations } = await readChain();
let server: Cluster;
let db: pg.ClientConfig;
beforeAll(async () => {
  server = await startCluster();
  db = await server.database();
}, 60_000);
afterAll(() => server.stop());

const catalog = () => withClient(db, catalogOf);

describe("every migration goes up, down and up to equal catalogs", () => {
  // The runner's own tables come with the first run.
  beforeAll(async () => {
    await migrateUp(db, { to: 0 });
  });

  test.each(migrations.map(({ number, name }) => [number, name] as const))(
    "%i %s",
    async (number) => {
      const before = await catalog();
      await migrateUp(db, { to: number });
      const after = await catalog();
      expect(after).not.toEqual(before);
      await migrateDown(db, { to: number - 1 });
      expect(await catalog()).toEqual(before);
      await migrateUp(db, { to: number });
      expect(await catalog()).toEqual(after);
    },
  );

  test("all of them at once", async () => {
    const full = await catalog();
    await migrateDown(db, { to: 0 });
    await migrateUp(db);
    expect(await catalog()).toEqual(full);
  });
});

test("a down that drops a table says that it loses its rows", () => {
  // Seeds come back with the up.
  const seeded = new Set([
    "vedic.model_versions",
    "authz.policy_rule_templates",
    "ops.idempotency_keys",
  ]);
  const silent = migrations.flatMap(({ down }) =>
    statementsOf(down.text)
      .map((statement) => /^drop table (?:if exists )?([\w.]+)/i.exec(statement)?.[1])
      .filter(
        (table) =>
          table !== undefined && !seeded.has(table) && !down.marks.losesData.includes(table),
      ),
  );
  expect(silent).toEqual([]);
});

test("a database owner who is not a superuser can migrate, and the server's roles can read the record", async () => {
  // A cluster of its own: the roles of the other tests would be another owner's.
  const other = await startCluster();
  try {
    const admin = await other.database();
    await withClient(admin, async (client) => {
      await client.query(`create role plain_owner login createrole password 'x'`);
      await client.query(`alter database ${admin.database} owner to plain_owner`);
    });
    const owner = { ...admin, user: "plain_owner", password: "x" };
    expect((await migrateUp(owner)).applied).toHaveLength(migrations.length);
    for (const role of ["sealbase_writer", "sealbase_reader", "sealbase_auditor"]) {
      await withClient(admin, async (client) => {
        await client.query(`set role ${role}`);
        await ensureCompatible(client);
      });
    }
    expect((await migrateDown(owner, { to: 0 })).reverted).toHaveLength(migrations.length);
  } finally {
    await other.stop();
  }
}, 60_000);
