/** The last line of `.ci/run`: how many tests and checks passed and failed, read from what both wrote. */
import { readFileSync } from "node:fs";

export interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** The part of vitest's JSON report that is counted. */
export interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** A file that fails without a failing test, or a run that fails without one, counts as one failure. */
export function countTests(report: Report | undefined, exitCode: number): Count {
  let [passed, failed] = [0, 0];
  for (const { status, assertionResults } of report?.testResults ?? []) {
    const count = (wanted: string) =>
      assertionResults.filter((test) => test.status === wanted).length;
    passed += count("passed");
    failed += status === "failed" ? Math.max(1, count("failed")) : count("failed");
  }
  const wrong = exitCode !== 0 || passed === 0;
  return { passed, failed: wrong ? Math.max(1, failed) : failed };
}

/** What `npm run check` said in its last line. */
export function countChecks(output: string, exitCode: number): Count {
  const found = /^(\d+) passed, (\d+) failed$/m.exec(output);
  const [passed, failed] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)];
  return { passed, failed: exitCode !== 0 || passed === 0 ? Math.max(1, failed) : failed };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function main([reportFile, testExit, checkFile, checkExit]: readonly string[]): number {
  const text = readIfThere(reportFile!);
  const report = text === undefined ? undefined : (JSON.parse(text) as Report);
  const tests = countTests(report, Number(testExit));
  const checks = countChecks(readIfThere(checkFile!) ?? "", Number(checkExit));
  const failed = tests.failed + checks.failed;
  console.log(`${tests.passed + checks.passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
