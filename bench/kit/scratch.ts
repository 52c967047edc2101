import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import pg from "pg";
import { openHttp } from "../../server/src/faces/http.ts";
import type { System } from "../../server/src/faces/system.ts";
import { type Config, readConfig } from "../../server/src/kernel/config.ts";
import { type Embedded, startEmbedded } from "../../server/src/kernel/embedded.ts";
import { openSystem } from "../../server/src/main.ts";
import { run } from "../../server/src/pipeline/index.ts";

/** Room for the 64 connections that a bare loop uses beside ours. */
const CONNECTIONS_MAX = "100";

export interface Project {
  readonly id: string;
  /** Of its administrator. */
  readonly key: string;
}

/** A whole system on an embedded engine in a folder of its own, with one project. PostgreSQL fsyncs. */
export interface Scratch extends AsyncDisposable {
  readonly config: Config;
  readonly engine: Embedded;
  readonly system: System;
  readonly project: Project;
  /** Signs in as the engine's administrator: for the bare side, and to count. */
  readonly admin: pg.Client;
}

export async function scratch(): Promise<Scratch> {
  const dataDir = mkdtempSync(join(tmpdir(), "sealbase-bench-"));
  const config = configOf(dataDir);
  const engine = await startEmbedded({
    dir: dataDir,
    settings: { max_connections: CONNECTIONS_MAX },
  });
  const system = await openSystem(config, { migrate: true, join: true });
  const admin = new pg.Client(engine.admin);
  await admin.connect();
  await expectDurable(admin);
  return {
    config,
    engine,
    system,
    admin,
    project: await makeProject(system),
    async [Symbol.asyncDispose]() {
      await system.stop();
      await admin.end();
      await engine.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export const configOf = (dataDir: string): Config => ({
  ...readConfig({}),
  dataDir,
  port: 0,
  origin: "bench.localhost",
  logLevel: "error",
});

export async function makeProject(system: System, name = "bench"): Promise<Project> {
  const { projectId, key } = await system.createOrganization(name, name);
  return { id: projectId, key };
}

/** A session that may write, as the project's administrator would make one. */
export async function makeAgent({ system, project }: Scratch, writes: string): Promise<Project> {
  const operation = system.operations.find(({ name }) => name === "agents.agent-session.create")!;
  const { output } = await run(system.parts, operation, {
    credential: project.key,
    input: { name: "bench", writes: [writes], calls_max: 1_000_000 },
  });
  return { id: project.id, key: (output as { key: string }).key };
}

/** The REST face on a free port of this machine. */
export async function listen(system: System): Promise<{ app: FastifyInstance; port: number }> {
  const app = openHttp(system.parts, system.operations, system.health);
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  return { app, port: Number(new URL(address).port) };
}

export async function count(client: pg.Client, from: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`select count(*) from ${from}`);
  return Number(rows[0]!.count);
}

/** Figures without durability would say nothing. */
async function expectDurable(client: pg.Client): Promise<void> {
  for (const name of ["fsync", "full_page_writes", "synchronous_commit"]) {
    const { rows } = await client.query<Record<string, string>>(`show ${name}`);
    if (rows[0]![name] !== "on") throw new Error(`${name} is ${rows[0]![name]}`);
  }
}
