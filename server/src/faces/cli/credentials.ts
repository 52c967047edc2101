import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "#kernel/config.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { CommandCall } from "./command.ts";

/** The key that a command signs in with: given, from the environment, or that of the first start. */
export function keyOf({ values }: Pick<CommandCall, "values">, config: Config): string {
  const given = values["key"] ?? process.env["SEALBASE_KEY"];
  if (typeof given === "string") return given;
  try {
    return readFileSync(fileOf(config), "utf8").trim();
  } catch {
    throw new Refusal(
      "cli/no_key",
      401,
      "There is no API key to sign in with",
      { looked_in: fileOf(config) },
      "Set SEALBASE_KEY or give --key; or run `sealbase start` on an empty data folder, which makes one.",
    );
  }
}

/** Keeps the first key for commands on this machine: readable by its owner only. */
export function keepKey(config: Config, key: string): void {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(fileOf(config), `${key}\n`, { mode: 0o600 });
}

const fileOf = ({ dataDir }: Config): string => join(dataDir, "key");
