import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../src/kernel/embedded.ts";

/** A PostgreSQL server of its own for one test file, without fsync; every database from it is new and empty. */
export type TestServer = {
  database(): Promise<pg.ClientConfig>;
  stop(): Promise<void>;
};

export async function startTestServer(): Promise<TestServer> {
  const dir = await mkdtemp(join(tmpdir(), "sealbase-test-"));
  const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
  const embedded = await startEmbedded({ dir, settings });
  let number = 0;
  return {
    async database() {
      number += 1;
      const database = `test_${number}`;
      await withClient(embedded.admin, (client) => client.query(`create database ${database}`));
      return { ...embedded.admin, database };
    },
    async stop() {
      await embedded.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
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
