import { expect, it } from "vitest";
import { type Check, runChecks } from "../../scripts/check.ts";
import { countTests } from "../../scripts/ci-summary.ts";

const passing: Check = { name: "passing", command: ["node", "--version"] };
const cases: [string, Check, RegExp][] = [
  [
    "a tool that finds something",
    { name: "red", command: ["node", "-e", "console.log(1);process.exit(1)"] },
    /FAILED\n1\n$/,
  ],
  ["a tool that is too slow", { ...passing, budget_s: 0.000_1 }, /FAILED: over its budget$/],
  ["a tool that is not there", { name: "absent", command: ["no-such-tool"] }, /FAILED\n.*ENOENT/],
];

it.each(cases)("%s fails the check", (_, check, line) => {
  const said: string[] = [];
  expect(runChecks([passing, check], (text) => said.push(text))).toBe(1);
  expect(said).toEqual([
    expect.stringMatching(/^passing +\d+\.\d s +passed$/),
    expect.stringMatching(line),
    "1 passed, 1 failed",
  ]);
});

const passed = { status: "passed" };
const failed = { status: "failed" };
const skipped = { status: "skipped" };
const report = (...files: object[]) => ({ testResults: files }) as never;

it.each([
  ["tests", report({ status: "passed", assertionResults: [passed, passed, skipped] }), 0, [2, 0]],
  ["failures", report({ status: "failed", assertionResults: [passed, failed] }), 1, [1, 1]],
  ["files that could not be run", report({ status: "failed", assertionResults: [] }), 1, [0, 1]],
  [
    "files whose tests passed and which failed",
    report({ status: "failed", assertionResults: [passed] }),
    1,
    [1, 1],
  ],
  [
    "runs that failed beside the tests",
    report({ status: "passed", assertionResults: [passed] }),
    1,
    [1, 1],
  ],
  ["runs without a report", undefined, 1, [0, 1]],
  ["runs without a test", report(), 0, [0, 1]],
])("the summary counts %s", (_, of, exitCode, [passes, failures]) => {
  expect(countTests(of, exitCode)).toEqual({ passed: passes, failed: failures });
});
