import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LegacyFile, legacyFiles } from "../vault.ts";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.make();
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  running.child.kill("SIGTERM");
  await running.ended;
}, 120_000);
afterAll(() => sealbase.close());

let directories = 0;

/** A directory with these files, as old as the ledger. */
function directoryOf(files: readonly LegacyFile[]): string {
  const directory = join(sealbase.dir, `ledger-${directories++}`);
  mkdirSync(directory);
  for (const { name, text } of files) {
    writeFileSync(join(directory, name), text);
    utimesSync(join(directory, name), 1_770_000_000, 1_770_000_000);
  }
  return directory;
}

/** Everything about a directory that an import must not change. */
const stateOf = (directory: string) => [
  statSync(directory).mtimeMs,
  ...readdirSync(directory).map((name) => {
    const { mtimeMs, mode, size } = statSync(join(directory, name));
    return [name, mtimeMs, mode, size, readFileSync(join(directory, name), "utf8")];
  }),
];

async function vaultImport(directory: string, ...more: string[]) {
  const { code, out, err } = await sealbase.run(["vault", "import", directory, ...more]);
  return { code, out: out === "" ? undefined : JSON.parse(out), err };
}
const call = async (operation: string, input: object = {}) =>
  JSON.parse((await sealbase.run(["call", operation, JSON.stringify(input)])).out).output;
const refusalOf = (err: string) => JSON.parse(err.trim().split("\n").at(-1)!);

// One project for all of them: what is refused here leaves its vault empty for the test after.
describe("sealbase vault import", () => {
  const files = legacyFiles(1_203);

  test.each<[string, (directory: string) => void, string, RegExp]>([
    [
      "no JSON",
      (dir) => writeFileSync(join(dir, "000002.json"), "{"),
      "000002.json",
      /no entry of format v1/,
    ],
    [
      "no UTF-8",
      (dir) => writeFileSync(join(dir, "000002.json"), Buffer.from([0xff])),
      "000002.json",
      /UTF-8/,
    ],
    [
      "an entry that is missing",
      (dir) => rmSync(join(dir, "000003.json")),
      "000004.json",
      /^sequence 4 where 3 comes next$/,
    ],
    [
      "an entry that was edited",
      (dir) => {
        const file = join(dir, "000002.json");
        writeFileSync(
          file,
          readFileSync(file, "utf8").replace('"x": 1.0', '"x":2.0').replace('"x":1.0', '"x":2.0'),
        );
      },
      "000002.json",
      /^hash-mismatch$/,
    ],
    [
      "an entry of another chain",
      (dir) =>
        writeFileSync(
          join(dir, "000002.json"),
          legacyFiles(2, () => ({ authority: "x" }))[1]!.text,
        ),
      "000002.json",
      /^prev-hash-mismatch$/,
    ],
    [
      "an entry twice",
      (dir) => writeFileSync(join(dir, "copy.json"), readFileSync(join(dir, "000002.json"))),
      "",
      /^sequence 2 is that of another file, too$/,
    ],
    [
      "a name that sha256sum would change",
      (dir) => writeFileSync(join(dir, "a b.json"), "{}"),
      "a b.json",
      /its name/,
    ],
    ["a folder", (dir) => mkdirSync(join(dir, "x.json")), "x.json", /regular file/],
    [
      "a link",
      (dir) => symlinkSync("/etc/hostname", join(dir, "x.json")),
      "x.json",
      /regular file/,
    ],
  ])("refuses %s, with file and reason", async (_, damage, file, reason) => {
    const directory = directoryOf(files.slice(0, 5));
    damage(directory);
    const { code, err } = await vaultImport(directory);
    const refusal = refusalOf(err);
    expect([code, refusal.code]).toEqual([1, "cli/bad_ledger"]);
    expect(refusal.facts.reason).toMatch(reason);
    if (file !== "") expect(refusal.facts.file).toBe(file);
  });

  test("refuses what is no directory, an empty one, and wrong usage", async () => {
    expect(refusalOf((await vaultImport("/nonexistent")).err).code).toBe("cli/unreadable_file");
    expect(refusalOf((await vaultImport(directoryOf([]))).err).facts.reason).toMatch(/no .json/);
    expect((await sealbase.run(["vault", "export", "x"])).code).toBe(2);
    // The chain holds, and a number was left out: that has to be said.
    const gap = directoryOf(legacyFiles(3, (_, at) => (at === 3 ? { sequence: 4 } : {})));
    expect(refusalOf((await vaultImport(gap)).err).facts.reason).toMatch(/--allow-gaps$/);
    expect((await vaultImport(gap, "--allow-gaps")).out).toMatchObject({ last_sequence: 4 });
    const both = await vaultImport(directoryOf(files.slice(0, 2)), "--dry-run", "--confirm", "x");
    expect(both.code).toBe(2);
  });

  test("shows first, imports what was confirmed, and never writes into the directory", async () => {
    const directory = directoryOf(files);
    writeFileSync(join(directory, "README.md"), "ours");
    const before = stateOf(directory);

    const shown = await vaultImport(directory);
    const again = await vaultImport(directory, "--dry-run");
    expect(again.out).toEqual(shown.out);
    expect(shown.out).toMatchObject({
      dry_run: true,
      entries: 1_203,
      first_sequence: 1,
      last_sequence: 1_203,
      verdicts: { SEAL: 241, VOID: 241, "HOLD-888": 241, PARTIAL: 240, "888_HOLD": 240 },
      ignored: ["README.md"],
      already_imported: 0,
    });
    expect((await call("vault.chain.verify")).entries).toBe(0);
    const { stdout } = spawnSync("sh", ["-c", "LC_ALL=C; sha256sum *.json | sha256sum"], {
      cwd: directory,
      encoding: "utf8",
    });
    expect(stdout.slice(0, 64)).toBe(shown.out.checksum);

    const other = await vaultImport(directory, "--confirm", "0".repeat(64));
    expect(refusalOf(other.err)).toMatchObject({
      code: "cli/ledger_not_confirmed",
      facts: { found: shown.out.checksum },
    });
    expect((await call("vault.chain.verify")).entries).toBe(0);

    const done = await vaultImport(directory, "--confirm", shown.out.checksum);
    const { head_hash, merkle_root, checksum } = shown.out;
    expect([done.code, done.out]).toMatchObject([
      0,
      {
        imported: 1_203,
        entries: 1_203,
        complete: true,
        valid: true,
        head_hash,
        merkle_root,
        checksum,
      },
    ]);
    const anchor = await call("ledger.entry.get", { id: done.out.entry });
    expect(anchor.payload.outcome.output).toMatchObject({
      entries: 1_203,
      first_sequence: 1,
      last_sequence: 1_203,
      head_hash,
      merkle_root,
      checksum,
    });
    expect(stateOf(directory)).toEqual(before);
  }, 120_000);

  test("done again does nothing more; a ledger that has grown brings what is new", async () => {
    const grown = legacyFiles(1_210);
    const directory = directoryOf(grown);
    const shown = await vaultImport(directory);
    expect(shown.out).toMatchObject({ entries: 1_210, already_imported: 1_203 });
    const done = await vaultImport(directory, "--confirm", shown.out.checksum);
    expect(done.out).toMatchObject({ imported: 7, entries: 1_210, complete: true, valid: true });
    const again = await vaultImport(directory, "--confirm", shown.out.checksum);
    expect(again.out).toMatchObject({ imported: 0, entries: 1_210, complete: true, valid: true });
  }, 120_000);

  test("goes on after it was stopped in between", async () => {
    const more = legacyFiles(3_000);
    const directory = directoryOf(more);
    const shown = await vaultImport(directory);
    const running = sealbase.start(["vault", "import", directory, "--confirm", shown.out.checksum]);
    await running.until(/Entries/);
    running.child.kill("SIGKILL");
    await running.ended;
    const stopped = await vaultImport(directory);
    expect(stopped.out.already_imported).toBeGreaterThan(1_210);
    const done = await vaultImport(directory, "--confirm", shown.out.checksum);
    expect(done.out).toMatchObject({ entries: 3_000, complete: true, valid: true });
    expect(done.out.imported).toBe(3_000 - stopped.out.already_imported);
  }, 120_000);

  test("refuses a ledger that the vault has not the beginning of", async () => {
    await call("vault.verdict.seal", { session_id: "new" });
    const { code, err } = await vaultImport(directoryOf(files));
    expect([code, refusalOf(err).code]).toEqual([1, "cli/vault_not_of_ledger"]);
  });
});
