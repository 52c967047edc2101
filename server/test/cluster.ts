import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedOptions, startEmbedded } from "#kernel/embedded.ts";

/** A PostgreSQL server for tests, without waiting for disks; every database is made and dropped here. */
export type Cluster = {
  readonly admin: pg.ClientConfig;
  /** A database of its own: empty, or a copy of `template`. */
  database(template?: string): Promise<pg.ClientConfig & { database: string }>;
  stop(): Promise<void>;
};

const QUICK = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

export async function startCluster(tcp?: EmbeddedOptions["tcp"]): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), "sealbase-test-"));
  const embedded = await startEmbedded({
    dir,
    settings: { ...QUICK, max_connections: "200" },
    ...(tcp === undefined ? {} : { tcp }),
  });
  return {
    admin: embedded.admin,
    database: (template) => createDatabase(embedded.admin, template),
    async stop() {
      await embedded.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function createDatabase(
  admin: pg.ClientConfig,
  template = "template1",
): Promise<pg.ClientConfig & { database: string }> {
  const database = `test_${randomBytes(6).toString("hex")}`;
  await withClient(admin, (client) =>
    client.query(`create database ${database} template ${template}`),
  );
  return { ...admin, database };
}

export async function dropDatabase(admin: pg.ClientConfig, database: string): Promise<void> {
  await withClient(admin, (client) =>
    client.query(`drop database if exists ${database} with (force)`),
  );
}

export async function withClient<T>(
  config: pg.ClientConfig,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(config);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
