import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { afterAll, expect, inject, test } from "vitest";
import { verifyLog } from "#domains/ledger";
import { readConfig } from "#kernel/config.ts";
import { openSystem } from "../../src/main.ts";
import { createDatabase, withClient } from "../cluster.ts";
import { ask, lives, type Scratch, scratch } from "../engine/scratch.ts";
import { freePort, OWNER, PASSWORD, selfSign } from "../setup/server.ts";

// On a PostgreSQL of its own: killing the one that all tests share would be felt by them.
const WRITER = join(import.meta.dirname, "../engine/log-writer.ts");
/** Entries that are acknowledged between two kills. */
const ENTRIES = 500;

const place: Scratch = scratch();
const servers = new Set<ChildProcess>();
afterAll(async () => {
  for (const server of servers) server.kill("SIGKILL");
  await place.close();
}, 60_000);

test("servers that are killed while they place entries leave no gap, no fork and no loss, PostgreSQL's death included", async () => {
  const dataDir = join(place.path, "data");
  // Disks are waited for: what an acknowledgement promises is the point.
  const listening = await listen();
  const options = { settings: {}, ...listening?.options };
  let engine = await place.start(options);
  const databaseUrl = await listening?.databaseUrl(engine.admin);
  const config = {
    ...readConfig({}),
    databaseUrl,
    dataDir,
    port: 0,
    origin: "sealbase.test",
    logLevel: "silent",
  };
  const database = databaseUrl && new URL(databaseUrl).pathname.slice(1);
  const admin = () => ({ ...engine.admin, ...(database && { database }) });
  const first = await openSystem(config, { migrate: true, join: true });
  const { projectId } = await first.createOrganization("o", "p");
  await first.stop();
  const told = { durable: new Set<string>(), published: new Map<string, string>() };
  const start = () => startServer({ dataDir, databaseUrl }, projectId, told);
  const grow = async () => {
    const [durable, published] = [told.durable.size + ENTRIES, told.published.size + 10];
    while (told.durable.size < durable || told.published.size < published) await sleep(5);
  };

  const rounds = ["server", "server", "postgres", "server", "postgres"];
  let [older, newer] = [await start(), await start()];
  for (const round of rounds) {
    await grow();
    if (round === "server") {
      await kill(older);
      // The other goes on alone before it gets company.
      await grow();
      [older, newer] = [newer, await start()];
    } else {
      const { pid } = engine;
      process.kill(pid, "SIGKILL");
      await expect.poll(() => lives(pid)).toBe(false);
      await engine.stop();
      engine = await place.start({ ...options, join: databaseUrl === undefined });
      expect(engine.pid).not.toBe(pid);
    }
  }
  await grow();
  await kill(older);
  await kill(newer);

  const system = await openSystem(config, { migrate: false, join: true });
  while ((await ask(admin(), "select from ledger.pending")).length > 0) await sleep(5);
  const rows = await ask<{ id: string; index: string }>(
    admin(),
    `select id, index from ledger.entries where tenant_id = '${projectId}' order by index`,
  );
  expect(rows.map(({ index }) => Number(index))).toEqual(rows.map((_, i) => i));
  const places = new Map(rows.map(({ id, index }) => [id, index]));
  expect(places.size).toBe(rows.length);
  expect([...told.durable].filter((id) => !places.has(id))).toEqual([]);
  expect([...told.published].filter(([id, index]) => places.get(id) !== index)).toEqual([]);
  const report = await system.parts.db.transaction({ role: "reader", tenantId: projectId }, (tx) =>
    verifyLog(tx),
  );
  expect(report.findings).toEqual([]);
  expect(report.entries).toBeGreaterThanOrEqual(ENTRIES * (rounds.length + 1));
  await system.stop();
}, 180_000);

/** Over TCP with TLS, for servers that know a URL alone; undefined where they share its folder. */
async function listen() {
  if (inject("engine").kind === "embedded") return undefined;
  const tls = { cert: join(place.path, "cert.pem"), key: join(place.path, "key.pem") };
  selfSign(tls);
  const port = await freePort();
  return {
    options: { tcp: { host: "127.0.0.1", port, tls } },
    async databaseUrl(admin: pg.ClientConfig): Promise<string> {
      await withClient(admin, (client) =>
        client.query(`create role ${OWNER} login createrole password '${PASSWORD}'`),
      );
      const { database } = await createDatabase(admin);
      await withClient(admin, (client) =>
        client.query(`alter database ${database} owner to ${OWNER}`),
      );
      const user = `${OWNER}:${encodeURIComponent(PASSWORD)}`;
      return `postgres://${user}@localhost:${port}/${database}?sslmode=verify-full&sslrootcert=${tls.cert}`;
    },
  };
}

async function startServer(
  { dataDir, databaseUrl }: { dataDir: string; databaseUrl: string | undefined },
  projectId: string,
  told: { durable: Set<string>; published: Map<string, string> },
): Promise<ChildProcess> {
  const server = spawn(process.execPath, [WRITER, dataDir, projectId], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], ...(databaseUrl && { DATABASE_URL: databaseUrl }) },
  });
  servers.add(server);
  const ready = Promise.withResolvers<void>();
  server.once("exit", (code) => ready.reject(new Error(`the server ended with ${code}`)));
  createInterface({ input: server.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    const [id, index] = line.split(" ") as [string, string | undefined];
    if (id === "ready") ready.resolve();
    else if (index === undefined) told.durable.add(id);
    else told.published.set(id, index);
  });
  await ready.promise;
  return server;
}

async function kill(server: ChildProcess): Promise<void> {
  const closed = once(server, "close");
  server.kill("SIGKILL");
  await closed;
  servers.delete(server);
}
