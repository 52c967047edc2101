import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { verifyLog } from "#domains/ledger";
import { readConfig } from "#kernel/config.ts";
import { openSystem } from "../src/main.ts";
import { ask, lives, type Scratch, scratch } from "./engine/scratch.ts";

const WRITER = join(import.meta.dirname, "engine/log-writer.ts");
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
  const config = {
    ...readConfig({}),
    dataDir,
    port: 0,
    origin: "sealbase.test",
    logLevel: "silent",
  };
  // Disks are waited for: what an acknowledgement promises is the point.
  let engine = await place.start({ settings: {} });
  const first = await openSystem(config, { migrate: true, join: true });
  const { projectId } = await first.createOrganization("o", "p");
  await first.stop();
  const told = { durable: new Set<string>(), published: new Map<string, string>() };
  const start = () => startServer(dataDir, projectId, told);
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
      engine = await place.start({ settings: {}, join: true });
      expect(engine.pid).not.toBe(pid);
    }
  }
  await grow();
  await kill(older);
  await kill(newer);

  const system = await openSystem(config, { migrate: false, join: true });
  while ((await ask(engine.admin, "select from ledger.pending")).length > 0) await sleep(5);
  const rows = await ask<{ id: string; index: string }>(
    engine.admin,
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

async function startServer(
  dataDir: string,
  projectId: string,
  told: { durable: Set<string>; published: Map<string, string> },
): Promise<ChildProcess> {
  const server = spawn(process.execPath, [WRITER, dataDir, projectId], {
    stdio: ["ignore", "pipe", "inherit"],
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
