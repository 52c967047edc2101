import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
let dir: string;
beforeAll(async () => {
  sealbase = await Sealbase.make();
  dir = join(sealbase.dir, "archives");
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  running.child.kill("SIGTERM");
  await running.ended;
}, 120_000);
afterAll(() => sealbase.close());

const json = async (...args: string[]) => {
  const { code, out, err } = await sealbase.run(args);
  return { code, out: out === "" ? undefined : JSON.parse(out), err };
};

test("entries go into files, are read from there, and come back", async () => {
  const written = await json("ledger", "archive", dir, "--below", "600");
  expect(written).toMatchObject({ code: 0, out: { first: 0, minimum: 512 } });
  expect((await json("verify", "--archive", dir)).out).toMatchObject({
    valid: true,
    minimum: 512,
    archived: 512,
    findings: [],
  });
  const text = await sealbase.run(["verify", "--text", "--archive", dir]);
  expect(text.out).toContain("entries below 512 are in archives: 512 read from files");

  const file = join(dir, "payload/001.ndjson.gz");
  const bytes = readFileSync(file);
  const changed = Buffer.from(bytes);
  changed[100]! ^= 1;
  writeFileSync(file, changed);
  for (const args of [
    ["verify", "--archive", dir],
    ["ledger", "restore", dir],
  ]) {
    const { code, err } = await sealbase.run(args);
    expect([code, err]).toEqual([1, expect.stringContaining("payload/001.ndjson.gz")]);
  }
  expect((await json("verify")).out).toMatchObject({ valid: true, minimum: 512 });
  writeFileSync(file, bytes);

  expect(await json("ledger", "restore", dir)).toMatchObject({
    code: 0,
    out: { minimum: 0, entries: 512 },
  });
  expect((await json("verify")).out).toMatchObject({ valid: true, minimum: 0 });
});

test("what was killed on the way is done by the next run", async () => {
  const elsewhere = join(sealbase.dir, "killed");
  const running = sealbase.start(["ledger", "archive", elsewhere, "--below", "600"]);
  const first = join(elsewhere, "tile/entries/000");
  await expect.poll(() => existsSync(first), { interval: 1, timeout: 30_000 }).toBe(true);
  running.child.kill("SIGKILL");
  await running.ended;
  const { out } = await json("verify");
  expect(out).toMatchObject({ valid: true });
  if (out.minimum === 0)
    expect((await json("ledger", "archive", elsewhere, "--below", "600")).out.minimum).toBe(512);
  expect((await json("verify", "--archive", elsewhere)).out).toMatchObject({
    valid: true,
    minimum: 512,
    archived: 512,
  });
});

test("a payload is erased, and `why` and `entry` say so", async () => {
  const accounts = { origin_account: "A", destination_account: "B" };
  const payment = JSON.stringify({ type: "PAYMENT", amount_cents: 100, ...accounts });
  const { call: id } = (await json("call", "risk.transaction.assess", payment)).out;
  const input = JSON.stringify({ id, reason: "Article 17 request 2026-114" });
  const { call, output } = (await json("call", "ledger.payload.erase", input)).out;
  expect(output).toMatchObject({ id, erased: { payload: 1 } });
  expect((await json("entry", id)).out).toMatchObject({ payload: null, erased_by: call });
  expect((await sealbase.run(["why", id, "--text"])).out).toContain(`erased by ${call}`);
  expect((await json("verify")).out).toMatchObject({ valid: true, erased: 1 });
});

test.each([
  [["archive", "DIR"], 2, "--below INDEX or --older-than DAYS"],
  [["archive", "DIR", "--below", "600", "--older-than", "3"], 2, "--below INDEX or --older-than"],
  [["archive", "DIR", "--below", "-1"], 2, "below"],
  [["archive", "DIR", "--below", "x"], 2, "--below takes a whole number"],
  [["archive", "DIR", "--older-than", "30000"], 1, "cli/nothing_to_archive"],
  [["restore", "DIR"], 1, "cli/archive_missing"],
  [["burn", "DIR"], 2, "mirror DIR, archive DIR, restore DIR, or export"],
] as const)("ledger %j ends with %i", async (args, wanted, says) => {
  const given = args.map((word) => (word === "DIR" ? join(sealbase.dir, "none") : word));
  const { code, err } = await sealbase.run(["ledger", ...given]);
  expect([code, err]).toEqual([wanted, expect.stringContaining(says)]);
});
