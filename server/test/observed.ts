import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import pg from "pg";
import { expect } from "vitest";
import { openHttp } from "#faces/http.ts";
import { type Config, readConfig } from "#kernel/config.ts";
import { openLog } from "#kernel/log.ts";
import { migrateUp } from "#kernel/migrate.ts";
import { joinSystem, operations } from "../src/main.ts";
import { type Cluster, startCluster } from "./cluster.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into lines and answers freely
export type Json = any;

/** The whole system on an engine of its own, listening, and everything that it tells its operator. */
export interface Observed {
  readonly cluster: Cluster;
  readonly parts: Awaited<ReturnType<typeof joinSystem>>["parts"];
  readonly lines: Json[];
  readonly key: string;
  readonly projectId: string;
  get(path: string): Promise<{ status: number; body: Json; text: string }>;
  call(method: string, path: string, body?: unknown, headers?: object): Promise<Response>;
  project(): Promise<{ projectId: string; key: string }>;
  /** As a superuser, with triggers asleep. */
  sql(text: string, values?: unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

export async function openObserved(settings: Partial<Config>): Promise<Observed> {
  const cluster = await startCluster();
  const admin = await cluster.database();
  await migrateUp(admin);
  const lines: Json[] = [];
  const engine = { admin, server: admin, async allowServer() {}, async stop() {} };
  const log = openLog("warn", linesInto(lines));
  const system = await joinSystem({ ...CONFIG, ...settings }, engine, false, log);
  const app = openHttp(system.parts, operations, system.health);
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const project = () => system.createOrganization(`o-${performance.now()}`, "first");
  const { projectId, key } = await project();
  return {
    cluster,
    parts: system.parts,
    lines,
    key,
    projectId,
    project,
    async get(path) {
      const answer = await fetch(`${url}${path}`);
      const text = await answer.text();
      const isJson = answer.headers.get("content-type")?.includes("json");
      return { status: answer.status, text, body: isJson ? JSON.parse(text) : undefined };
    },
    call: (method, path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async sql(text, values = []) {
      const client = new pg.Client({ ...admin, options: "-c session_replication_role=replica" });
      await client.connect();
      try {
        return (await client.query(text, values)).rows;
      } finally {
        await client.end();
      }
    },
    async stop() {
      await app.close();
      await system.stop();
      await cluster.stop();
    },
  };
}

const CONFIG: Config = {
  ...readConfig({}),
  dataDir: "/nowhere",
  port: 0,
  origin: "sealbase.test",
  logLevel: "warn",
  masterKey: Buffer.alloc(32, 7),
  slowCall_ms: 60_000,
  slowQuery_ms: 60_000,
};

/** A stream that keeps every line of a log. */
export const linesInto = (lines: Json[]): Writable =>
  new Writable({
    write(line, _, done) {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });

/** Stands in for an OpenTelemetry collector: keeps what is posted, by path. */
export interface Collector {
  readonly url: string;
  readonly posted: { path: string; type: string | undefined; body: Json }[];
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const posted: Collector["posted"] = [];
  const keep = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await textOf(request);
    const type = request.headers["content-type"];
    const body = type === "application/json" ? JSON.parse(text) : text;
    posted.push({ path: request.url!, type, body });
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  };
  const server = createServer((request, response) => void keep(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posted,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** What an OTLP list of attributes says, as an object. */
export const attributesOf = (list: Json[]): Record<string, string | number> =>
  Object.fromEntries(
    list.map(({ key, value }) => [
      key,
      value.stringValue ?? Number(value.intValue ?? value.doubleValue),
    ]),
  );

/** What answers it gets until `found` is one of them. */
export const until = async <T>(found: () => T | undefined): Promise<T> => {
  let value: T | undefined;
  await expect.poll(() => (value = found()), { timeout: 10_000 }).toBeDefined();
  return value!;
};
