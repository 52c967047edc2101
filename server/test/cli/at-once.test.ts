import { afterAll, beforeAll, expect, test } from "vitest";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.started();
}, 120_000);
afterAll(() => sealbase?.close());

test("commands that run at once share one engine, and none ends it under another", async () => {
  const asked = ["decide", "--principal", "User:a", "--action", "ledger.entry.get"];
  const commands = [
    ["status"],
    [...asked, "--resource", "Entry:1"],
    ["call", "control-plane.me.get", "{}"],
  ];
  for (let round = 0; round < 4; round++) {
    const ran = await Promise.all(commands.map((command) => sealbase.run(command)));
    // `decide` exits with 1 for a denial.
    expect(ran.map(({ code, err }) => [code, err])).toEqual([
      [0, ""],
      [1, ""],
      [0, ""],
    ]);
  }
}, 120_000);
