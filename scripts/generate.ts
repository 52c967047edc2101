/**
 * Writes everything that is drawn from the operation list and the sources: `contract/`, the SDK's operations, and
 * the tables that Kysely knows.
 *
 *     node scripts/generate.ts [--check] [--no-database]
 *
 * `--check` writes nothing, names what is stale and exits 1. `--no-database` leaves out the tables, for which a
 * database is migrated.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openapi } from "../server/src/faces/rest/openapi.ts";
import { operations } from "../server/src/main.ts";
import { renderAuthzMatrix } from "./generate-authz-matrix.ts";
import { platformSchema, renderSchema } from "./generate-cedar-schema.ts";
import { renderGraphql } from "./generate-graphql.ts";
import { renderMcp } from "./generate-mcp.ts";
import { renderOperations } from "./generate-operations.ts";
import { renderProto } from "./generate-proto.ts";
import { renderRefusals } from "./generate-refusals.ts";
import { renderSdk } from "./generate-sdk.ts";
import { operationRefusals } from "./operation-refusals.ts";
import { findRefusals } from "./refusals.ts";

const ROOT = join(import.meta.dirname, "..");

/** Every generated file but the tables, as it should be. */
export function render(): Record<string, string> {
  const refusals = findRefusals();
  const refused = operationRefusals(operations, refusals);
  const schema = platformSchema(operations);
  return {
    "contract/openapi.json": `${JSON.stringify(openapi(operations, refused), null, 2)}\n`,
    "contract/schema.graphql": renderGraphql(operations),
    "server/src/faces/rest/operation-refusals.json": `${JSON.stringify(refused, null, 2)}\n`,
    "contract/mcp-tools.json": renderMcp(operations),
    "contract/refusals.md": renderRefusals(refusals),
    "contract/authz-matrix.txt": renderAuthzMatrix(operations),
    "contract/schema.cedarschema": renderSchema(schema),
    "server/src/domains/authz/schema/platform.json": `${JSON.stringify(schema, null, 2)}\n`,
    "contract/operations.md": renderOperations(operations),
    ...renderProto(operations),
    "sdk/src/operations.ts": renderSdk(operations, refusals),
  };
}

/** The files that are not as they should be. */
export function findStale(files: Record<string, string>): string[] {
  return Object.entries(files)
    .filter(([path, text]) => readIfThere(join(ROOT, path)) !== text)
    .map(([path]) => path);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function main(words: readonly string[]): number {
  const check = words.includes("--check");
  const files = render();
  const stale = findStale(files);
  for (const path of stale) {
    console.log(check ? `stale: ${path}` : `wrote ${path}`);
    if (check) continue;
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), files[path]!);
  }
  const tables = words.includes("--no-database") ? 0 : generateTables(check);
  if (check && stale.length + tables > 0) console.error("Run npm run generate.");
  return tables > 0 || (check && stale.length > 0) ? 1 : 0;
}

function generateTables(check: boolean): number {
  const script = join(import.meta.dirname, "generate-schema.ts");
  const words = check ? [script, "--check"] : [script];
  return spawnSync(process.execPath, words, { stdio: "inherit" }).status ?? 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
