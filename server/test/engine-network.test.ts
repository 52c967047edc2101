import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, refusalOf, type Scratch, scratch } from "./engine/scratch.ts";

const HOST = "127.0.0.1";
let place: Scratch;
let port: number;
let tls: { cert: string; key: string };
beforeAll(async () => {
  place = scratch();
  port = await freePort();
  tls = { cert: join(place.path, "cert.pem"), key: join(place.path, "key.pem") };
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", tls.key, "-out", tls.cert];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files],
    { stdio: "ignore" },
  );
});
afterAll(() => place.close(), 60_000);

test("listens on the network when asked to, with TLS and a password and not otherwise", async () => {
  const engine = await place.start({ tcp: { host: HOST, port, tls } });
  const ca = readFileSync(tls.cert, "utf8");
  const remote = { ...engine.admin, host: HOST, ssl: { ca } };
  const sql = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
  expect(await ask(remote, sql)).toEqual([{ ssl: true, version: "TLSv1.3" }]);
  await expect(ask({ ...remote, password: "wrong" }, sql)).rejects.toThrow(/password/);
  await expect(ask({ ...remote, ssl: false }, sql)).rejects.toThrow(/no encryption/);
  expect(statSync(join(place.path, "data/tls/server.key")).mode & 0o777).toBe(0o600);
  await engine.stop();
}, 60_000);

test("listens without TLS on this machine only", async () => {
  const engine = await place.start({ tcp: { host: HOST, port } });
  expect(await ask({ ...engine.admin, host: HOST }, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await engine.stop();
  const refusal = await refusalOf(place.start({ tcp: { host: "0.0.0.0", port } }));
  expect(refusal.code).toBe("engine/tls_required");
}, 60_000);

test("refuses a key that belongs to another certificate, or none at all", async () => {
  const missing = { cert: tls.cert, key: join(place.path, "nowhere.pem") };
  const refusal = await refusalOf(place.start({ tcp: { host: HOST, port, tls: missing } }));
  expect(refusal.code).toBe("engine/tls_unusable");
});

test("refuses a port that another program has", async () => {
  const other = createServer();
  await once(other.listen(port, HOST), "listening");
  try {
    const refusal = await refusalOf(place.start({ tcp: { host: HOST, port } }));
    expect(refusal).toMatchObject({ code: "engine/port_busy", facts: { host: HOST, port } });
  } finally {
    other.close();
  }
}, 60_000);

test("does not listen when not asked to", async () => {
  const engine = await place.start();
  await expect(ask({ ...engine.admin, host: HOST, port }, "SELECT")).rejects.toThrow(
    /ECONNREFUSED/,
  );
}, 60_000);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, HOST, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
