import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Sealbase } from "./sealbase.ts";

const HOW_TO = readFileSync(
  join(import.meta.dirname, "../../../docs/how-to/write-a-policy.md"),
  "utf8",
);
const BIN = join(import.meta.dirname, "../../bin/sealbase.js");

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.make();
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  running.child.kill("SIGTERM");
  await running.ended;
}, 120_000);
afterAll(() => sealbase.close());

test("the how-to's commands take a policy from text to active, and back", async () => {
  const cwd = join(sealbase.dir, "how-to");
  mkdirSync(join(cwd, "bin"), { recursive: true });
  writeFileSync(
    join(cwd, "bin/npx"),
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${BIN}" "$@"\n`,
    {
      mode: 0o755,
    },
  );
  const PATH = `${join(cwd, "bin")}:${join(process.execPath, "..")}:${process.env["PATH"]}`;
  const told: Record<string, Told[]> = {};
  for (const [, cedar, command] of HOW_TO.matchAll(
    /^```cedar\n([^]*?)^```$|^ {4}((?:npx|node) .*)$/gm,
  )) {
    if (cedar !== undefined) appendFileSync(join(cwd, "policies.cedar"), cedar);
    if (command === undefined) continue;
    const env = { ...sealbase.env, PATH };
    const { stdout } = await promisify(execFile)("sh", ["-c", command], { cwd, env });
    const called = /sealbase call (\S+)/.exec(command)?.[1];
    if (called !== undefined && stdout !== "")
      (told[called] ??= []).push(JSON.parse(stdout).output);
  }
  expect(told["authz.policy-text.check"]).toMatchObject([{ valid: true, diagnostics: [] }]);
  expect(told["authz.policy-version.create"]).toMatchObject([
    { number: 2, status: "draft", base: 1 },
  ]);
  expect(told["authz.policy-version.validate"]).toMatchObject([{ valid: true }]);
  expect(told["authz.policy-version.activate"]).toMatchObject([
    { number: 2, status: "active" },
    { number: 1, status: "active" },
  ]);
}, 120_000);

type Told = Readonly<Record<string, unknown>>;
