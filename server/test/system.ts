import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import pg from "pg";
import { inject } from "vitest";
import { openHttp } from "#faces/http.ts";
import type { System } from "#faces/system.ts";
import { type Config, readConfig } from "#kernel/config.ts";
import { readDatabaseUrl } from "#kernel/database-url.ts";
import type { Engine } from "#kernel/open-engine.ts";
import { decodeEntry } from "#verifier";
import { joinSystem, operations } from "../src/main.ts";
import { createDatabase, dropDatabase } from "./cluster.ts";
import type {} from "./setup/provided.ts";

/** The whole system on a database of its own, and one project to call it with. */
export interface TestSystem {
  readonly parts: System["parts"];
  readonly app: FastifyInstance;
  readonly home: Caller;
  readonly organizationId: string;
  /** What the server signs in with. */
  readonly server: pg.ClientConfig;
  /** Runs SQL as a superuser with triggers asleep: what an attacker with the database could do. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The first project of a new organization. */
  project(): Promise<Caller>;
  /** What the witnesses say about a project's log. */
  askWitnesses: System["askWitnesses"];
  /** Begins to do jobs and to tell webhooks. */
  work(): void;
  /** Seals the heads of all logs in the root log; resolves when its checkpoint covers them. */
  sealHeads(): Promise<void>;
  /** The same caller's way in, through another system. */
  as(key: string, projectId?: string): Caller;
  /** Another system on the same database; it stops with this one. */
  another(settings?: Partial<Config>): Promise<TestSystem>;
  stop(): Promise<void>;
}

/** A project's key, and the calls that are made with it. */
export interface Caller {
  readonly key: string;
  readonly projectId: string;
  call(
    method: Method,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

export type Method = "GET" | "POST" | "PATCH" | "DELETE" | "PUT";

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly body: any;
  readonly text: string;
  readonly headers: Record<string, string | undefined>;
}

export async function openTestSystem(settings: Partial<Config> = {}): Promise<TestSystem> {
  const { admin: cluster, template } = inject("engine");
  const admin = await createDatabase(cluster, template);
  const pool = new pg.Pool({ ...admin, max: 1, options: "-c session_replication_role=replica" });
  pool.on("error", () => undefined);

  try {
    const opened = await open(admin, pool, settings);
    return {
      ...opened,
      async stop() {
        await opened.stop();
        await pool.end();
        await dropDatabase(cluster, admin.database);
      },
    };
  } catch (error) {
    await pool.end();
    await dropDatabase(cluster, admin.database);
    throw error;
  }
}

async function open(
  admin: pg.ClientConfig & { database: string },
  pool: pg.Pool,
  settings: Partial<Config>,
  home?: Caller,
): Promise<TestSystem> {
  const system = await joinSystem({ ...CONFIG, ...settings }, engineOf(admin), false);
  const app = openHttp(system.parts, operations, system.health);
  const as = (key: string, projectId = "") => callerOf(app, key, projectId);
  const project = async () => {
    const made = await system.createOrganization(`o-${randomUUID()}`, "first");
    return as(made.key, made.projectId);
  };
  const others: TestSystem[] = [];
  const first = home === undefined ? await project() : as(home.key, home.projectId);
  const sql = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await pool.query<Row>(text, values)).rows;
  const [row] = await sql<{ id: string }>(
    "select organization_id as id from control_plane.projects where id = $1",
    [first.projectId],
  );
  return {
    parts: system.parts,
    app,
    home: first,
    organizationId: row!.id,
    server: engineOf(admin).server,
    sql,
    project,
    askWitnesses: system.askWitnesses,
    work: () => system.work(),
    async sealHeads() {
      await system.sealHeads();
      while ((await sql(UNPUBLISHED_ROOT)).length > 0) await sleep(5);
    },
    as,
    async another(more = {}) {
      const other = await open(admin, pool, { ...settings, ...more }, first);
      others.push(other);
      return other;
    },
    async stop() {
      for (const other of others) await other.stop();
      await app.close();
      await system.stop();
    },
  };
}

const UNPUBLISHED_ROOT = `select from ledger.root_heads r where not exists (
  select from ledger.entries e join ledger.checkpoints c on c.tenant_id = e.tenant_id and c.size > e.index
  where e.tenant_id = r.tenant_id and e.id = r.entry_id)`;

const CONFIG: Config = {
  ...readConfig({}),
  dataDir: "/nowhere",
  port: 0,
  origin: "sealbase.test",
  logLevel: process.env["SEALBASE_LOG"] ?? "silent",
  masterKey: Buffer.alloc(32, 7),
  slowCall_ms: 60_000,
  slowQuery_ms: 60_000,
  webhooksPrivate: true,
};

/** What calls run as: the role without rights on the embedded engine, the URL's user on a server. */
function engineOf(admin: pg.ClientConfig & { database: string }): Engine {
  const { kind, serverPassword, url } = inject("engine");
  const server =
    kind === "embedded"
      ? { ...admin, user: "sealbase_server", password: serverPassword }
      : readDatabaseUrl(`${url.base}${admin.database}${url.query}`);
  return { admin, server, async allowServer() {}, async stop() {} };
}

function callerOf(app: FastifyInstance, key: string, projectId: string): Caller {
  return {
    key,
    projectId,
    async call(method, path, body, headers = {}) {
      const answer = await app.inject({
        method,
        url: path,
        headers: {
          ...(key === "" ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const json = /\bjson/.test(String(answer.headers["content-type"]));
      return {
        status: answer.statusCode,
        text: answer.payload,
        body: json ? answer.json() : undefined,
        headers: answer.headers as Record<string, string>,
      };
    },
  };
}

/** A payment that nothing objects to. */
export const payment = (more: object = {}): Record<string, unknown> => ({
  type: "PAYMENT",
  amount_cents: 12_345,
  origin_account: "A",
  destination_account: "B",
  ...more,
});

export interface SealedEntry {
  readonly id: string;
  readonly index: number;
  readonly kind: string;
  readonly action: string;
  readonly outcome: string;
  readonly refs: Readonly<Record<string, string>>;
}

/** A project's log, in order, once nothing waits for a place any more. */
export async function sealedEntries(system: TestSystem, projectId: string): Promise<SealedEntry[]> {
  const until_ms = performance.now() + 10_000;
  const waiting = () => system.sql("select from ledger.pending where tenant_id = $1", [projectId]);
  while ((await waiting()).length > 0 && performance.now() < until_ms) await sleep(5);
  const rows = await system.sql<{ id: string; index: string; entry: Buffer }>(
    "select id, index, entry from ledger.entries where tenant_id = $1 order by index",
    [projectId],
  );
  return rows.map(({ id, index, entry }) => {
    const { kind, action, outcome, refs } = decodeEntry(entry);
    return { id, index: Number(index), kind, action, outcome, refs };
  });
}

/** Everything that has rows, and how many; without what is derived from the log after the fact. */
export async function countRows(system: TestSystem): Promise<Record<string, number>> {
  const tables = await system.sql<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('control_plane', 'authz', 'security', 'ledger', 'telemetry', 'vedic', 'entities', 'ops', 'vault')
        and c.relkind in ('r', 'p') and not c.relispartition
        and c.relname not in ('entry_terms', 'entry_spans', 'indexed') order by 1`,
  );
  const [counts] = await system.sql<{ counts: Record<string, number> }>(
    `select jsonb_object_agg(name, n) as counts from (${tables
      .map(({ name }) => `select '${name}' as name, count(*) as n from ${name}`)
      .join(" union all ")}) c where n > 0`,
  );
  return counts!.counts;
}
