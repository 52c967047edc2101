import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

/** The commands of docs/how-to/verify-with-other-tools.md, as they stand there, against a log that is served. */
const HOW_TO = readFileSync(
  join(import.meta.dirname, "../../../docs/how-to/verify-with-other-tools.md"),
  "utf8",
);
const NEEDS: Record<string, readonly string[]> = {
  "What you need": [],
  "The signature, with OpenSSL": ["curl", "openssl", "xxd", "base64"],
  "One entry and its hash, with sha256sum": ["curl", "sha256sum", "xxd"],
  "The whole log, with Python": ["python3"],
};
const lacks = (title: string) =>
  NEEDS[title]!.filter((tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0);

/** The indented lines under a heading. */
function commandsOf(title: string): string {
  const section = HOW_TO.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("    ") || line === "")
    .map((line) => line.slice(4))
    .join("\n");
}

let system: TestSystem;
let caller: Caller;
let folder: string;
let env: Record<string, string>;
beforeAll(async () => {
  system = await openTestSystem();
  caller = await system.project();
  const body = Array.from({ length: 300 }, () => payment());
  await caller.call("POST", "/v1/risk/transactions", body);
  await caller.call("POST", "/v1/ledger/open", { readers: "entries" });
  await sealedEntries(system, caller.projectId);
  const { body: checkpoint } = await caller.call("GET", "/v1/ledger/checkpoint");
  const address = await system.app.listen({ host: "127.0.0.1", port: 0 });
  folder = mkdtempSync(join(tmpdir(), "sealbase-tools-"));
  env = { LOG: `${address}/log/${caller.projectId}`, KEY: checkpoint.keys[0] };
});
afterAll(async () => {
  await system.stop();
  rmSync(folder, { recursive: true });
});

/** Runs commands as a reader would, one after the other, stopping at the first that fails. */
function run(
  text: string,
  more: Record<string, string> = {},
): Promise<{ status: number; output: string }> {
  const shell = spawn("sh", ["-eu", "-c", text], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...env, ...more, no_proxy: "*" },
  });
  let output = "";
  shell.stdout.on("data", (part) => (output += part));
  shell.stderr.on("data", (part) => (output += part));
  return new Promise((resolve) =>
    shell.on("close", (status) => resolve({ status: status ?? -1, output })),
  );
}

describe("with nothing of ours", () => {
  for (const title of Object.keys(NEEDS)) {
    const missing = lacks(title);
    test.skipIf(missing.length > 0)(
      `${title}${missing.length > 0 ? ` (not here: ${missing.join(", ")})` : ""}`,
      async () => {
        const { status, output } = await run(commandsOf(title));
        expect([status, output]).toEqual([0, expect.any(String)]);
        if (title.includes("OpenSSL")) expect(output).toContain("Signature Verified Successfully");
        if (title.includes("Python"))
          expect(output).toMatch(/^verified 30\d entries of sealbase.test/);
      },
    );
  }

  test.skipIf(lacks("The whole log, with Python").length > 0)(
    "an entry that was changed behind our back is found",
    async () => {
      await system.sql(
        "update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'done', 'lost'), 'UTF8') where tenant_id = $1 and index = 299",
        [caller.projectId],
      );
      // A server that has nothing in memory.
      const address = await (await system.another()).app.listen({ host: "127.0.0.1", port: 0 });
      const { status, output } = await run(commandsOf("The whole log, with Python"), {
        LOG: `${address}/log/${caller.projectId}`,
      });
      expect(status).not.toBe(0);
      expect(output).toContain("AssertionError");
    },
  );

  test.skipIf(lacks("The signature, with OpenSSL").length > 0)(
    "another key verifies nothing",
    async () => {
      const wrong = env["KEY"]!.replace(/.{8}$/, "AAAAAAA=");
      const { status } = await run(commandsOf("The signature, with OpenSSL"), { KEY: wrong });
      expect(status).not.toBe(0);
    },
  );
});
