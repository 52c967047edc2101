import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readConfig } from "#kernel/config.ts";
import { cosigner } from "#verifier";
import { openWitnessPolicy } from "./policy.ts";
import { Lane, pauseOf } from "./watch.ts";

const dir = mkdtempSync(join(tmpdir(), "sealbase-policy-"));
afterAll(() => rmSync(dir, { recursive: true }));
const [a, b] = [1, 2].map((fill) => cosigner(`w${fill}`, new Uint8Array(32).fill(fill), () => 1));
const policyFile = join(dir, "policy");

function opened(text: string, wait?: "quorum" | "none") {
  writeFileSync(policyFile, text);
  return openWitnessPolicy({ policyFile, wait, timeout_ms: 1 });
}

describe("a policy's witnesses", () => {
  test.for([
    ["https://w.example", "https://w.example/add-checkpoint"],
    ["https://w.example/", "https://w.example/add-checkpoint"],
    ["http://127.0.0.1:7327/some/prefix", "http://127.0.0.1:7327/some/prefix/add-checkpoint"],
  ])("are asked below their prefix: %s", ([url, wanted]) => {
    const { witnesses, waits } = opened(`witness a ${a!.vkey} ${url}\nquorum a\n`);
    expect([witnesses.map((one) => one.url.href), waits]).toEqual([[wanted], true]);
  });

  test.for<[string, "quorum" | "none" | undefined, boolean]>([
    ["a", undefined, true],
    ["a", "quorum", true],
    ["a", "none", false],
    ["none", undefined, false],
    ["none", "none", false],
  ])("quorum %s, wait %s: are waited for: %s", ([quorum, wait, waits]) => {
    const text = `witness a ${a!.vkey} https://w.example\nquorum ${quorum}\n`;
    expect(opened(text, wait).waits).toBe(waits);
  });

  test.for<[string, string, "quorum"?]>([
    ["a quorum that cannot be asked for", `witness a ${a!.vkey}\nquorum a\n`],
    [
      "half of it without a URL",
      `witness a ${a!.vkey} https://w.example\nwitness b ${b!.vkey}\ngroup g all a b\nquorum g\n`,
    ],
    ["no quorum to wait for", `witness a ${a!.vkey} https://w.example\nquorum none\n`, "quorum"],
    ["another scheme", `witness a ${a!.vkey} ftp://w.example\nquorum a\n`],
    ["a URL with a question", `witness a ${a!.vkey} https://w.example/?a=b\nquorum a\n`],
    ["no URL at all", `witness a ${a!.vkey} w.example\nquorum a\n`],
    ["no policy", "nonsense\n"],
  ])("are refused at the start with %s", ([, text, wait]) => {
    expect(() => opened(text, wait)).toThrow(
      expect.objectContaining({ code: "config/bad_witness_policy" }),
    );
  });

  test("are read from the environment", () => {
    expect(readConfig({}).witness).toBeUndefined();
    expect(readConfig({ SEALBASE_WITNESS_POLICY: "f" }).witness).toEqual({
      policyFile: "f",
      wait: undefined,
      timeout_ms: 5_000,
    });
    for (const wrong of [
      { SEALBASE_WITNESS_WAIT: "some" },
      { SEALBASE_WITNESS_TIMEOUT_MS: "soon" },
    ])
      expect(() => readConfig({ SEALBASE_WITNESS_POLICY: "f", ...wrong })).toThrow(
        expect.objectContaining({ code: "config/bad_value" }),
      );
  });
});

describe("a witness that fails", () => {
  test("is left alone longer each time, by chance a little less, and ten seconds at most", () => {
    expect([1, 2, 3, 8, 9, 50].map((failures) => pauseOf(failures, 1))).toEqual([
      250, 500, 1_000, 10_000, 10_000, 10_000,
    ]);
    expect(pauseOf(3, 0)).toBe(500);
    const lane = new Lane();
    for (let i = 0; i < 20; i++) lane.failed(1_000);
    expect(lane.pause_ms(1_000)).toBeGreaterThanOrEqual(5_000);
    expect(lane.pause_ms(11_000)).toBe(0);
    lane.answered();
    expect(lane.pause_ms(1_000)).toBe(0);
  });

  test("is asked one thing at a time, whatever came of the one before", async () => {
    const lane = new Lane();
    const order: number[] = [];
    const first = lane.inTurn(async () => {
      await Promise.resolve();
      order.push(1);
      throw new Error("lost");
    });
    const second = lane.inTurn(async () => order.push(2));
    await expect(first).rejects.toThrow("lost");
    await second;
    expect(order).toEqual([1, 2]);
  });
});
