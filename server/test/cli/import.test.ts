import { existsSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { centsOf } from "../../src/faces/cli/payment-file.ts";
import { Sealbase } from "./sealbase.ts";

/** The published sample of PaySim is not part of the project: SEALBASE_PAYSIM names it, else it lies beside the checkout. */
const SAMPLE =
  process.env["SEALBASE_PAYSIM"] ??
  join(import.meta.dirname, "../../../../shared/data/paysim-sample.csv.gz");
const paysim = test.skipIf(!existsSync(SAMPLE));

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.make();
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  running.child.kill("SIGTERM");
  await running.ended;
}, 120_000);
afterAll(() => sealbase.close());

paysim(
  "PaySim: stopped by SIGKILL and run again, every row is done once, and a refused row has a receipt",
  async () => {
    const before = await entries();
    const running = sealbase.start(["import", "transactions", SAMPLE]);
    await placeSaved();
    running.child.kill("SIGKILL");
    await running.ended;
    const again = await sealbase.run(["import", "transactions", SAMPLE]);
    expect(again.code).toBe(0);
    expect(again.err).toMatch(/Going on after row \d+/);
    const tally = JSON.parse(again.out);
    expect(tally.rows).toBe(10_000);
    expect(tally.allowed).toBe(9_508);
    expect(tally.refused).toEqual({ "score/too_risky": 489, "policy/denied": 3 });
    // [fraud refused, fraud allowed, honest refused, honest allowed] of the file's labels.
    expect(tally.labels).toEqual([486, 14, 6, 9_494]);
    // No row is recorded twice; of refused rows those that were under way when it was killed may be sealed again.
    const made = (await entries()) - before;
    expect(made).toBeGreaterThanOrEqual(10_000);
    expect(made).toBeLessThan(10_100);
    const receipt = await sealbase.run(["receipt", tally.lastRefused]);
    const file = join(sealbase.dir, "refused.txt");
    writeFileSync(file, receipt.out);
    const verified = JSON.parse((await sealbase.run(["verify", file])).out);
    expect(verified).toMatchObject({
      ok: true,
      entry: { outcome: "refused", action: "risk.transaction.assess" },
    });
  },
  180_000,
);

paysim("an import that is done does nothing more", async () => {
  const before = await entries();
  const again = await sealbase.run(["import", "transactions", SAMPLE]);
  expect(JSON.parse(again.out).rows).toBe(10_000);
  expect(await entries()).toBeLessThan(before + 5);
});

test("columns are mapped by flags; a file without them, a bad row and a bad file are refused with their place", async () => {
  const file = join(sealbase.dir, "mine.csv");
  writeFileSync(file, "kind,cents,from,to\nPAYMENT,1.50,a,b\nPAYMENT,2,a,b\n");
  const missing = await sealbase.run(["import", "transactions", file]);
  expect([missing.code, JSON.parse(missing.err.trim())]).toMatchObject([
    1,
    { code: "cli/missing_columns", facts: { missing: ["type", "amount", "nameOrig", "nameDest"] } },
  ]);
  const columns = [
    "--column-type",
    "kind",
    "--column-amount",
    "cents",
    "--column-origin-account",
    "from",
    "--column-destination-account",
    "to",
  ];
  const mapped = await sealbase.run(["import", "transactions", file, ...columns]);
  expect(JSON.parse(mapped.out)).toMatchObject({ rows: 2, allowed: 2 });
  writeFileSync(file, "kind,cents,from,to\nPAYMENT,1.505,a,b\n");
  const bad = await sealbase.run(["import", "transactions", file, ...columns]);
  expect(JSON.parse(bad.err.trim())).toMatchObject({
    code: "cli/bad_row",
    facts: { row: 1, column: "cents", value: "1.505" },
  });
  writeFileSync(join(sealbase.dir, "x.csv.gz"), "no gzip");
  const broken = await sealbase.run(["import", "transactions", join(sealbase.dir, "x.csv.gz")]);
  expect(JSON.parse(broken.err.trim())).toMatchObject({ code: "cli/bad_file" });
  const nothing = await sealbase.run(["import", "transactions", "/nonexistent.csv"]);
  expect(JSON.parse(nothing.err.trim())).toMatchObject({ code: "cli/unreadable_file" });
});

test("amounts become cents without a number in between", () => {
  for (const [text, cents] of [
    ["0", 0],
    ["1", 100],
    ["1.5", 150],
    ["0.07", 7],
    ["90071992547409.91", 9_007_199_254_740_991],
    ["1.100", 110],
  ] as const)
    expect(centsOf(text, "amount", 0)).toBe(cents);
  for (const text of ["", "-1", "1e3", "1.005", "1,5", "0x10", " "])
    expect(() => centsOf(text, "amount", 0)).toThrow();
});

paysim("the sample is the published one", async () => {
  const rows = gunzipSync(await readFile(SAMPLE))
    .toString()
    .trim()
    .split("\n");
  expect(rows).toHaveLength(10_001);
});

async function entries(): Promise<number> {
  return JSON.parse((await sealbase.run(["call", "ledger.checkpoint.get"])).out).output.size;
}

/** Waits until the import has kept its place for the first time. */
async function placeSaved(): Promise<void> {
  const folder = join(sealbase.dir, "imports");
  for (;;) {
    const files = await readdir(folder).catch(() => []);
    if (files.some((file) => file.endsWith(".json"))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
