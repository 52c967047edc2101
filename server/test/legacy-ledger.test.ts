import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readAgain, readLedger } from "#faces/cli/legacy-ledger.ts";
import { legacyFiles } from "./vault.ts";

const directory = mkdtempSync(join(tmpdir(), "sealbase-legacy-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("a file that changes after it was checked is not imported", () => {
  const files = legacyFiles(3);
  for (const { name, text } of files) writeFileSync(join(directory, name), text);
  const ledger = readLedger(directory, false);
  expect(ledger.files.map((file) => readAgain(ledger, file))).toEqual(
    files.map(({ text }) => text),
  );
  const { name, text } = files[1]!;
  writeFileSync(join(directory, name), text.replace("\n", "\n\n"));
  expect(() => readAgain(ledger, ledger.files[1]!)).toThrow(
    expect.objectContaining({
      code: "cli/bad_ledger",
      facts: { file: name, reason: "it changed while it was imported" },
    }),
  );
});
