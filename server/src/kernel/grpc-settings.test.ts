import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";

const PEM = { SEALBASE_TLS_CERT: "c.pem", SEALBASE_TLS_KEY: "k.pem" };

describe("where gRPC answers", () => {
  test.each<[NodeJS.ProcessEnv, unknown]>([
    [{}, { port: 7326 }],
    [{ SEALBASE_PORT: "8000" }, { port: 8001 }],
    [{ SEALBASE_PORT: "0" }, { port: 0 }],
    [{ SEALBASE_PORT: "0", SEALBASE_GRPC_PORT: "9000" }, { port: 9000 }],
    [{ SEALBASE_GRPC_PORT: "off" }, undefined],
    [PEM, { port: 7326, tls: { cert: "c.pem", key: "k.pem" } }],
    [
      { ...PEM, SEALBASE_TLS_CLIENT_CA: "ca.pem" },
      { port: 7326, tls: { cert: "c.pem", key: "k.pem", clientCa: "ca.pem" } },
    ],
  ])("%j", (env, wanted) => expect(readConfig(env).grpc).toEqual(wanted));

  test.each<[NodeJS.ProcessEnv, string]>([
    [{ SEALBASE_GRPC_PORT: "on" }, "config/bad_value"],
    [{ SEALBASE_PORT: "65535" }, "config/bad_value"],
    [{ SEALBASE_TLS_CERT: "c.pem" }, "config/half_tls"],
    [{ SEALBASE_TLS_CLIENT_CA: "ca.pem" }, "config/half_tls"],
  ])("not %j", (env, code) =>
    expect(() => readConfig(env)).toThrow(expect.objectContaining({ code })),
  );
});
