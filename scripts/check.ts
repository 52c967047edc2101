/** `npm run check`: everything about the sources that a machine can judge without running them. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

export interface Check {
  readonly name: string;
  /** A program of node_modules/.bin and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Longer than this is a failure: a slow check is one that people stop running. */
  readonly budget_s?: number;
}

const CHECKS: readonly Check[] = [
  // Alone it takes a fifth of that; a busy machine is no reason to fail.
  { name: "types", command: ["tsc", "-p", "tsconfig.json"], budget_s: 30 },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  {
    name: "format",
    command: ["biome", "check", "--error-on-warnings", "--max-diagnostics=10", "."],
  },
  { name: "unused code", command: ["knip", "--no-config-hints"] },
  { name: "promises", command: ["node", "scripts/breaking.ts"] },
];

/** One line a check, with what it said when it failed; the last line counts. */
export function runChecks(checks: readonly Check[], say: (line: string) => void): number {
  const failed = checks.filter((check) => {
    const { line, passed } = runCheck(check);
    say(line);
    return !passed;
  }).length;
  say(`${checks.length - failed} passed, ${failed} failed`);
  return failed;
}

function runCheck({ name, command, budget_s }: Check): { line: string; passed: boolean } {
  const [program, ...words] = command;
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(
    join(ROOT, "node_modules/.bin", program),
    words,
    { cwd: ROOT, encoding: "utf8" },
  );
  const took_s = (performance.now() - start) / 1_000;
  const late = budget_s !== undefined && took_s > budget_s;
  const passed = status === 0 && !late;
  const time = `${took_s.toFixed(1)} s${budget_s === undefined ? "" : ` of ${budget_s} s`}`;
  const said = status === 0 ? "" : `\n${error?.message ?? ""}${stdout ?? ""}${stderr ?? ""}`;
  const verdict = passed ? "passed" : status === 0 ? "FAILED: over its budget" : "FAILED";
  return { line: `${name.padEnd(12)} ${time.padEnd(14)} ${verdict}${said}`, passed };
}

if (import.meta.main) process.exitCode = runChecks(CHECKS, console.log) === 0 ? 0 : 1;
