import type { Command } from "./command.ts";

export function helpText(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name, usage }) => name.length + usage.length));
  const lines = commands.map(
    ({ name, usage, summary }) => `  ${`${name} ${usage}`.padEnd(width + 3)}${summary}`,
  );
  return `Sealbase: a PostgreSQL data platform that can prove what it did.

Usage: sealbase COMMAND [OPTIONS]

${lines.join("\n")}

  --json, --text             What to print; JSON unless the output is a terminal
  COMMAND --help, --version

Exit codes: 0 done; 1 refused, not verified or not in agreement; 2 wrong usage; 3 the engine or the
configuration does not allow it; 4 a bug.
Settings: SEALBASE_DATA, DATABASE_URL, SEALBASE_HOST, SEALBASE_PORT, SEALBASE_ORIGIN, SEALBASE_MASTER_KEY,
SEALBASE_LOG, SEALBASE_KEY.
`;
}

export function helpOf({ name, usage, summary, options }: Command): string {
  const shown = Object.entries(options).map(([option, { value, help }]) => [
    `--${option}${value === undefined ? "" : ` ${value}`}`,
    help,
  ]);
  const width = Math.max(0, ...shown.map(([left]) => left!.length));
  const lines = shown.map(([left, help]) => `  ${left!.padEnd(width + 2)}${help}`);
  const usageLine = `Usage: ${["sealbase", name, usage, shown.length > 0 ? "[OPTIONS]" : ""].filter(Boolean).join(" ")}`;
  return `${[summary, "", usageLine, ...(lines.length > 0 ? ["", ...lines] : [])].join("\n")}\n`;
}
