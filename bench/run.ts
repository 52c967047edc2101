/**
 * Measures every claim about speed and size: `npm run bench [-- CLAIM …] [-- --full]`. Prints a table and appends a line
 * to history.jsonl. A missed claim is printed as MISSED and stays; the exit code tells only whether measuring worked.
 */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Result } from "./kit/claim.ts";

const CLAIMS = [
  "calls",
  "sealing",
  "sealing-copy",
  "durable",
  "proofs",
  "parallel-logs",
  "verification",
  "verification-memory",
  "warm-start",
  "memory",
  "faces",
  "rest-write",
  "rest-read",
  "realtime",
  "realtime-memory",
  "drift",
  "meaning",
  "filter",
  "decisions",
  "trace",
  "policy-memory",
  "replay",
];

const flags = process.argv.slice(2).filter((word) => word.startsWith("--"));
const chosen = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const unknown = [
  ...chosen.filter((name) => !CLAIMS.includes(name)),
  ...flags.filter((flag) => flag !== "--full"),
];
if (unknown.length > 0) {
  console.error(
    `There is no ${unknown.join(", ")}. Claims: ${CLAIMS.join(", ")}; --full adds the sizes that take minutes.`,
  );
  process.exit(2);
}

const results: Result[] = [];
for (const name of chosen.length > 0 ? chosen : CLAIMS) {
  const result = await measured(name);
  if (result === undefined) process.exitCode = 1;
  else {
    results.push(result);
    print(result);
  }
}
if (results.length > 0)
  appendFileSync(join(import.meta.dirname, "history.jsonl"), `${JSON.stringify(record())}\n`);

/** What the claim's own process found; undefined when it broke, which is then on the screen. */
async function measured(name: string): Promise<Result | undefined> {
  const child = fork(join(import.meta.dirname, `${name}.ts`), flags, { execArgv: [] });
  let result: Result | undefined;
  child.once("message", (message) => {
    result = message as Result;
    child.disconnect();
  });
  const [code] = await once(child, "exit");
  if (code === 0 && result !== undefined) return result;
  console.error(`${name.padEnd(20)} BROKEN: its process ended with ${code}`);
  return undefined;
}

function print({
  name,
  says,
  unit,
  ours,
  theirs,
  figure,
  target,
  bound,
  reached,
  notes,
}: Result): void {
  const sides =
    theirs === null
      ? `${short(ours)} ${unit}`
      : `${short(ours)} against ${short(theirs)} ${unit}, ratio ${short(figure)}`;
  const goal = `${bound === "min" ? "at least" : "at most"} ${target}`;
  console.log(`${name.padEnd(20)} ${reached ? "reached" : "MISSED "}  ${sides} (${goal})`);
  for (const line of [says, ...notes]) console.log(`${"".padEnd(31)}${line}`);
}

function record() {
  return {
    date: new Date().toISOString(),
    commit: git("rev-parse", "--short", "HEAD"),
    changed: git("status", "--porcelain", "--", "server/src", "verifier/src") !== "",
    node: process.version,
    cores: availableParallelism(),
    claims: results.map(
      ({ name, unit, ours, theirs, figure, target, bound, reached, figures }) => ({
        name,
        unit,
        ours: rounded(ours),
        theirs: theirs === null ? null : rounded(theirs),
        figure: rounded(figure),
        target,
        bound,
        reached,
        ...(figures === undefined ? {} : { figures: mapped(figures) }),
      }),
    ),
  };
}

function git(...words: string[]): string {
  return execFileSync("git", words, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
}

function short(figure: number): string {
  return figure >= 100 ? Math.round(figure).toLocaleString("en") : String(rounded(figure));
}

function mapped(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [name, rounded(figure)]),
  );
}

function rounded(figure: number): number {
  return Number(figure.toPrecision(4));
}
