import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { migrateUp } from "#kernel/migrate.ts";
import { startCluster, withClient } from "../cluster.ts";

export const OWNER = "operator";
export const PASSWORD = "p@ss/word";

/**
 * A PostgreSQL server over TCP with TLS and a password, known by its URL alone. Its user is no superuser: it may make
 * databases and roles, as the first user of a managed server may.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), "sealbase-tls-"));
  const tls = { cert: join(dir, "cert.pem"), key: join(dir, "key.pem") };
  selfSign(tls);
  const port = await freePort();
  const cluster = await startCluster({ host: "127.0.0.1", port, tls });
  await withClient(cluster.admin, (client) =>
    client.query(`create role ${OWNER} login createdb createrole password '${PASSWORD}'`),
  );
  const owner = { ...cluster.admin, user: OWNER, password: PASSWORD };
  const template = await cluster.database();
  await withClient(cluster.admin, (client) =>
    client.query(`alter database ${template.database} owner to ${OWNER}`),
  );
  await migrateUp({ ...owner, database: template.database });
  project.provide("engine", {
    kind: "server",
    admin: cluster.admin,
    template: template.database,
    serverPassword: "",
    url: {
      base: `postgres://${OWNER}:${encodeURIComponent(PASSWORD)}@localhost:${port}/`,
      query: `?sslmode=verify-full&sslrootcert=${tls.cert}`,
    },
  });
  return async () => {
    await cluster.stop();
    await rm(dir, { recursive: true, force: true });
  };
}

export function selfSign({ cert, key }: { cert: string; key: string }): void {
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const form = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...form, ...subject], { stdio: "ignore" });
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
