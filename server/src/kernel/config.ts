import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type GrpcSettings, readGrpc } from "./grpc-settings.ts";
import { Refusal } from "./refusal.ts";
import { readTelemetry, type Telemetry } from "./telemetry.ts";
import { readWitness, type WitnessSettings } from "./witness-settings.ts";

/** Everything that can be set, from the environment. README lists it. */
export interface Config {
  /** Folder of the embedded engine, the master key and the first API key. */
  readonly dataDir: string;
  /** A PostgreSQL server to use instead of the embedded engine. A secret: it holds a password. */
  readonly databaseUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Without it gRPC has no port. */
  readonly grpc?: GrpcSettings | undefined;
  /** Names this installation in its logs' origins; fixed for a log once it exists. */
  readonly origin: string;
  /** Logs sign checkpoints with ML-DSA-44 beside Ed25519: all of them, none, or (undefined) those that have such a key. */
  readonly logMlDsa: boolean | undefined;
  readonly logLevel: string;
  /** 32 bytes that signing keys are encrypted with; undefined means the file `master.key` of the data folder. */
  readonly masterKey: Uint8Array | undefined;
  /** Calls and SQL statements that take longer are logged. */
  readonly slowCall_ms: number;
  readonly slowQuery_ms: number;
  /** Sites whose pages may call from a browser. */
  readonly corsOrigins: readonly string[];
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Names that `/mcp` answers under, besides those of this machine and the address that was connected to. */
  readonly mcpHosts: readonly string[];
  /** Webhooks may go to private networks, such as this machine. */
  readonly webhooksPrivate: boolean;
  /** Share of the decisions that Cedar's engine is asked about, too: 0 to 1. */
  readonly policyOracle: number;
  /** Shows GraphiQL at /graphql, and the GraphQL schema to everybody. */
  readonly development: boolean;
  /** What is sent to an OpenTelemetry collector. */
  readonly telemetry: Telemetry;
  /** Who cosigns checkpoints; without it nobody does. */
  readonly witness?: WitnessSettings | undefined;
}

const MASTER_KEY_BYTES = 32;
const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
const HOST_NAME = /^(\[[0-9a-f:]+\]|[a-z0-9][a-z0-9.-]*)$/;
const ADDRESS_RANGE = /^[0-9a-f.:]+(\/\d{1,3})?$/i;
const WEB_ORIGIN = /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$/;
const ORIGIN = /^[a-z0-9][a-z0-9.-]{0,100}$/;

export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const port = integer("SEALBASE_PORT", env["SEALBASE_PORT"] ?? "7325");
  return {
    dataDir: resolve(env["SEALBASE_DATA"] ?? ".sealbase"),
    databaseUrl: env["DATABASE_URL"],
    host: env["SEALBASE_HOST"] ?? "127.0.0.1",
    port,
    grpc: readGrpc(env, port, integer),
    origin: matching(
      "SEALBASE_ORIGIN",
      env["SEALBASE_ORIGIN"] ?? "sealbase.localhost",
      ORIGIN,
      "a lower-case host name",
    ),
    logMlDsa:
      env["SEALBASE_LOG_ML_DSA"] === undefined ? undefined : isOn("SEALBASE_LOG_ML_DSA", env, "0"),
    logLevel: oneOf("SEALBASE_LOG", env["SEALBASE_LOG"] ?? "info", LOG_LEVELS),
    masterKey:
      env["SEALBASE_MASTER_KEY"] === undefined
        ? undefined
        : decodeKey(env["SEALBASE_MASTER_KEY"], "SEALBASE_MASTER_KEY"),
    slowCall_ms: milliseconds("SEALBASE_SLOW_MS", env["SEALBASE_SLOW_MS"] ?? "1000"),
    slowQuery_ms: milliseconds("SEALBASE_SLOW_QUERY_MS", env["SEALBASE_SLOW_QUERY_MS"] ?? "500"),
    corsOrigins: listed(
      "SEALBASE_CORS_ORIGINS",
      env,
      WEB_ORIGIN,
      "origins such as https://app.example, joined by commas",
    ),
    trustedProxies: listed(
      "SEALBASE_TRUSTED_PROXIES",
      env,
      ADDRESS_RANGE,
      "addresses or ranges such as 10.0.0.0/8, joined by commas",
    ),
    mcpHosts: listed("SEALBASE_MCP_HOSTS", env, HOST_NAME, "host names, joined by commas"),
    webhooksPrivate: isOn("SEALBASE_WEBHOOKS_PRIVATE", env, "0"),
    policyOracle: share("SEALBASE_POLICY_ORACLE", env["SEALBASE_POLICY_ORACLE"] ?? "0.01"),
    development: isOn("SEALBASE_DEVELOPMENT", env, ownMachine(env)),
    telemetry: readTelemetry(env),
    witness: readWitness(env, oneOf, milliseconds),
  };
}

/** Words joined by commas, each of this form. */
const listed = (name: string, env: NodeJS.ProcessEnv, form: RegExp, wanted: string): string[] =>
  (env[name] ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "")
    .map((word) => matching(name, word, form, wanted));

const isOn = (name: string, env: NodeJS.ProcessEnv, otherwise: "0" | "1"): boolean =>
  oneOf(name, env[name] ?? otherwise, ["0", "1"]) === "1";

/** Who can only be reached from the same machine is being tried out, unless told otherwise. */
const ownMachine = ({ SEALBASE_HOST: host = "127.0.0.1" }: NodeJS.ProcessEnv): "0" | "1" =>
  ["127.0.0.1", "::1", "localhost"].includes(host) ? "1" : "0";

/** What may be logged: no password, no key. */
export function publicConfig({ databaseUrl, masterKey, telemetry, ...rest }: Config) {
  const sent = Object.entries(telemetry).flatMap(([signal, on]) => (on ? [signal] : []));
  return {
    ...rest,
    telemetry: sent.length === 0 ? "not sent" : sent.join(" and "),
    engine: databaseUrl === undefined ? "embedded" : "server",
    masterKey: masterKey === undefined ? "file" : "environment",
  };
}

/** The master key: from the environment, else from `master.key` (0600) in the data folder, made at the first start. */
export function loadMasterKey({ masterKey, dataDir }: Config): Uint8Array {
  if (masterKey !== undefined) return masterKey;
  const file = join(dataDir, "master.key");
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  try {
    // "wx": of two processes that start at once, one makes it and both read it.
    writeFileSync(file, `${randomBytes(MASTER_KEY_BYTES).toString("base64")}\n`, {
      flag: "wx",
      mode: 0o600,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return decodeKey(readFileSync(file, "utf8").trim(), file);
}

function decodeKey(text: string, from: string): Uint8Array {
  const key = Buffer.from(text, "base64");
  if (key.length === MASTER_KEY_BYTES) return key;
  throw new Refusal(
    "config/bad_master_key",
    500,
    "The master key is not 32 bytes in base64",
    { from, bytes: key.length },
    "Set SEALBASE_MASTER_KEY to the output of `openssl rand -base64 32`, or restore the file.",
  );
}

function integer(name: string, text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value <= 65_535) return value;
  throw bad(name, text, "a port from 0 to 65535");
}

function milliseconds(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw bad(name, text, "a number of milliseconds");
}

function share(name: string, text: string): number {
  if (/^(0(\.\d{1,9})?|1(\.0+)?)$/.test(text)) return Number(text);
  throw bad(name, text, "a number from 0 to 1, such as 0.01");
}

function matching(name: string, text: string, pattern: RegExp, wanted: string): string {
  if (pattern.test(text)) return text;
  throw bad(name, text, wanted);
}

function oneOf(name: string, text: string, values: readonly string[]): string {
  if (values.includes(text)) return text;
  throw bad(name, text, `one of ${values.join(", ")}`);
}

const bad = (name: string, value: string, wanted: string) =>
  new Refusal(
    "config/bad_value",
    500,
    `${name} is not ${wanted}`,
    { name, value },
    `Set ${name} to ${wanted}.`,
  );
