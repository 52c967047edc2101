import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DescService } from "@bufbuild/protobuf";
import { type GrpcPort, openGrpcPort } from "#faces/grpc/port.ts";
import type { System } from "#faces/system.ts";
import type { TlsFiles } from "#kernel/grpc-settings.ts";
import type { Operation } from "#pipeline";
import { operations } from "../src/main.ts";
import type { TestSystem } from "./system.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface OpenGrpc {
  readonly operations?: readonly Operation[];
  readonly health?: System["health"];
  readonly tls?: TlsFiles;
}

const WELL: System["health"] = async () => ({ state: "ok", dependencies: [], reasons: [] });

/** The gRPC port of a test system; more operations may be given to it than the house has. */
export function openGrpc(system: TestSystem, more: OpenGrpc = {}): Promise<GrpcPort> {
  const face = { parts: system.parts, operations, health: WELL, ...more };
  const settings = { host: "127.0.0.1", port: 0 };
  return openGrpcPort(
    face as unknown as System,
    more.tls === undefined ? settings : { ...settings, tls: more.tls },
  );
}

/** What somebody has who gives `contract/api.proto` to a compiler. */
export interface Generated {
  readonly [name: string]: DescService;
}

/** Compiles the contract for a client, in a folder from which its libraries are found. */
export async function generateClient(): Promise<{ api: Generated; remove: () => void }> {
  const folder = mkdtempSync(join(ROOT, "node_modules/.sealbase-grpc-"));
  const template = {
    version: "v2",
    plugins: [
      { local: bin("protoc-gen-es"), out: folder, opt: ["target=js", "import_extension=js"] },
    ],
  };
  buf("generate", "contract/api.proto", "--template", JSON.stringify(template));
  const [file] = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith("_pb.js"),
  );
  const api = (await import(join(folder, file!))) as Generated;
  return { api, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs the protobuf compiler from the project's folder. */
export function buf(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(bin("buf"), words, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"]}` },
  });
  if (status !== 0) throw new Error(`buf ${words[0]}: ${stderr}${stdout}`);
  return stdout;
}

const bin = (name: string): string => join(ROOT, "node_modules/.bin", name);

/** The health of a system that is as well as the test says. */
export function healthOfTest(): { state: "ok" | "degraded" | "down"; read: System["health"] } {
  const own = {
    state: "ok" as "ok" | "degraded" | "down",
    read: async () => ({ state: own.state, dependencies: [], reasons: [] }),
  };
  return own;
}
