import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describedOf } from "#faces/grpc/descriptors.ts";
import type { GrpcPort } from "#faces/grpc/port.ts";
import { operations } from "../../src/main.ts";
import { openGrpc } from "../grpc.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
let folder: string;
const at = (name: string): string => join(folder, name);
const text = (name: string): string => readFileSync(at(name), "utf8");

const openssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "pipe" });

/** A certificate authority, and what it signed. */
function authority(name: string, ...signed: string[]): void {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    at(`${name}.key`),
    "-out",
    at(`${name}.pem`),
  );
  for (const one of signed)
    openssl(
      "req",
      "-x509",
      ...key,
      "-days",
      "2",
      "-subj",
      `/CN=${one}`,
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-addext",
      "basicConstraints=critical,CA:FALSE",
      "-CA",
      at(`${name}.pem`),
      "-CAkey",
      at(`${name}.key`),
      "-keyout",
      at(`${one}.key`),
      "-out",
      at(`${one}.pem`),
    );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sealbase-tls-"));
  authority("ours", "server", "friend");
  authority("theirs", "stranger");
  system = await openTestSystem();
});
afterAll(async () => {
  await system.stop();
  rmSync(folder, { recursive: true });
});

async function call(port: GrpcPort, ca: string, client?: string): Promise<string> {
  const service = describedOf(operations).registry.getService("sealbase.v1.ControlPlaneService")!;
  const transport = createGrpcTransport({
    baseUrl: port.url.replace("grpcs:", "https:"),
    nodeOptions: {
      ca: text(ca),
      ...(client === undefined ? {} : { cert: text(`${client}.pem`), key: text(`${client}.key`) }),
    },
  });
  const api = createClient(service, transport) as unknown as {
    meGet(input: object, options: object): Promise<{ organizationId: string }>;
  };
  const headers = { authorization: `Bearer ${system.home.key}` };
  return api.meGet({}, { headers, timeoutMs: 10_000 }).then(
    ({ organizationId }) => organizationId,
    (error: unknown) => Code[ConnectError.from(error).code]!,
  );
}

describe("with a certificate", () => {
  test("the port speaks TLS, to who trusts it", async () => {
    const tls = { cert: at("server.pem"), key: at("server.key") };
    const port = await openGrpc(system, { tls });
    expect(port.url).toMatch(/^grpcs:/);
    expect(await call(port, "ours.pem")).toBe(system.organizationId);
    expect(await call(port, "theirs.pem")).not.toBe(system.organizationId);
    await port.close();
  });
});

describe("with a client authority, a client", () => {
  let port: GrpcPort;
  beforeAll(async () => {
    const tls = { cert: at("server.pem"), key: at("server.key"), clientCa: at("ours.pem") };
    port = await openGrpc(system, { tls });
  });
  afterAll(() => port.close());

  test.each<[string, string | undefined, boolean]>([
    ["with a certificate of that authority calls", "friend", true],
    ["with one of another authority does not", "stranger", false],
    ["without one does not", undefined, false],
  ])("%s", async (_, client, reaches) => {
    const answer = await call(port, "ours.pem", client);
    if (reaches) expect(answer).toBe(system.organizationId);
    else expect(Object.values(Code)).toContain(answer); // none of ours: the handshake failed
  });
});

test("a file that is not there is named", async () => {
  const tls = { cert: at("nowhere.pem"), key: at("server.key") };
  await expect(openGrpc(system, { tls })).rejects.toMatchObject({
    code: "config/unreadable_file",
    facts: { name: "SEALBASE_TLS_CERT" },
  });
});
