import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WitnessRig } from "../witness-rig.ts";
import { Sealbase } from "./sealbase.ts";

// The runbooks as they are written, on the embedded engine: a backup is a copy of the data folder.
const VERIFY = join(import.meta.dirname, "../../../verifier/bin/sealbase-verify.js");
const PAYMENT = JSON.stringify({
  type: "PAYMENT",
  amount_cents: 100,
  origin_account: "A",
  destination_account: "B",
});
/** What the runbook makes when the newer state is lost. */
const NEXT = { name: "After the loss", slug: "after-the-loss" };
const witness = new WitnessRig();
let sealbase: Sealbase;
let logKey: string;
let env: Record<string, string>;

beforeAll(async () => {
  sealbase = await Sealbase.make();
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  running.child.kill("SIGTERM");
  await running.ended;
  logKey = (await answer(["call", "ledger.checkpoint.get"], {})).output.keys[0];
  await witness.know(logKey);
  await witness.start();
  const policy = join(witness.dir, "policy");
  writeFileSync(policy, `log ${logKey}\nwitness w1 ${witness.vkey} ${witness.url}\nquorum w1\n`);
  env = { SEALBASE_WITNESS_POLICY: policy };
  symlinkSync(
    join(import.meta.dirname, "../../../node_modules"),
    join(witness.dir, "node_modules"),
  );
}, 120_000);
afterAll(async () => {
  await sealbase.close();
  await witness.close();
});

async function answer(args: string[], more = env) {
  const { code, out, err } = await sealbase.run(args, more);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${err}`);
  return JSON.parse(out);
}
const pay = (more = env) => sealbase.run(["call", "risk.transaction.assess", PAYMENT], more);
/** Replaces what is in the data folder, as a restore does. */
const copy = (from: string, to: string) => {
  execFileSync("rm", ["-rf", to]);
  execFileSync("cp", ["-a", from, to]);
};
/** The commands of a runbook: its indented lines. */
const commandsOf = (name: string) =>
  [
    ...readFileSync(
      join(import.meta.dirname, `../../../docs/runbooks/${name}.md`),
      "utf8",
    ).matchAll(/^ {4,}((?:npx|curl|\(echo) .*)$/gm),
  ].map(([, command]) => command!);
/** A command of a runbook as its reader runs it, in a folder where the packages are; the words in capitals are what it is about. */
const follow =
  (command: string) =>
  (more: Record<string, string> = {}) => {
    const words = { KEY: logKey, ORIGIN: logKey.split("+")[0]!, WITNESS: witness.vkey, ...more };
    const text = Object.entries(words).reduce(
      (line, [word, value]) => line.replace(new RegExp(`\\b${word}\\b`, "g"), value),
      command.replace("http://127.0.0.1:7327/", witness.url),
    );
    const { status, stdout, stderr } = spawnSync("sh", ["-c", text], {
      cwd: witness.dir,
      encoding: "utf8",
    });
    return { status, out: stdout, err: stderr };
  };
/** By their places, one after the other. */
async function receiptsOfPayments(count: number, more = env): Promise<Map<number, string>> {
  const paid = [];
  for (let i = 0; i < count; i++) paid.push(await pay(more));
  const receipts = new Map<number, string>();
  for (const { out } of paid) {
    const { call, place } = JSON.parse(out);
    receipts.set(place.index, (await sealbase.run(["receipt", call], more)).out);
  }
  return receipts;
}

describe("runbooks", () => {
  test("a restored database refuses to sign: what the commands say, and how it signs again", async () => {
    expect(commandsOf("restore-refuses-to-sign")).toEqual([
      "npx sealbase witnesses",
      "npx sealbase serve",
      "npx sealbase witnesses",
      "npx sealbase verify",
      `npx sealbase call control-plane.project.create '${JSON.stringify(NEXT)}'`,
    ]);
    expect((await pay()).code).toBe(0);
    const older = `${sealbase.dir}-older`;
    const newer = `${sealbase.dir}-newer`;
    try {
      copy(sealbase.dir, older);
      for (let i = 0; i < 2; i++) expect((await pay()).code).toBe(0);
      // Asking is sealed, too: before the copy, which so is not older than what the witness has.
      const { size } = (await answer(["call", "ledger.checkpoint.get"])).output;
      copy(sealbase.dir, newer);

      copy(older, sealbase.dir);
      const refused = await pay();
      expect(JSON.parse(refused.err).code).toBe("seal/log_behind_witness");
      const text = await sealbase.run(["witnesses", "--text"], env);
      expect(text.code).toBe(1);
      const [, witnessed] = /^w1 +ahead +at (\d+)\n/.exec(text.out)!;
      expect(Number(witnessed)).toBeGreaterThanOrEqual(size);
      expect(text.out).toContain(`Restore one that has at least ${witnessed} entries`);

      copy(newer, sealbase.dir);
      const server = sealbase.start(["serve"], env);
      await server.until(/"msg":"serving"/);
      expect(await answer(["witnesses"])).toMatchObject({
        witnesses: [{ witness: "w1", what: "cosigned" }],
      });
      expect((await pay()).code).toBe(0);
      expect(await answer(["verify"])).toMatchObject({ valid: true });
      server.child.kill("SIGTERM");
      await server.ended;
    } finally {
      execFileSync("rm", ["-rf", older, newer]);
    }
    const next = ["call", "control-plane.project.create", JSON.stringify(NEXT)];
    expect((await answer(next)).output.id).toMatch(/^[0-9a-f-]{36}$/);
  }, 120_000);

  test("a fork was detected: the evidence is fetched and verified offline, by the commands as they stand", async () => {
    const [list, fetched, checked, made, newest, cosigned, ...more] =
      commandsOf("fork-detected").map(follow);
    expect(more).toEqual([]);
    // Until the size is no power of two, and the next fork can be proven by one request.
    for (;;) {
      expect((await pay()).code).toBe(0);
      const { size } = (await answer(["call", "ledger.checkpoint.get"])).output;
      if (Math.log2(size) % 1 !== 0) break;
    }
    const older = `${sealbase.dir}-older`;
    try {
      copy(sealbase.dir, older);
      const published = await receiptsOfPayments(2);
      copy(older, sealbase.dir);
      // Somebody goes on without asking, and has to say so.
      expect(JSON.parse((await pay({})).err).code).toBe("seal/witnesses_not_named");
      const nobody = join(witness.dir, "nobody");
      writeFileSync(nobody, "quorum none\n");
      const alone = { SEALBASE_WITNESS_POLICY: nobody };
      const others = await receiptsOfPayments(3, alone);
      const refused = await pay();
      expect(JSON.parse(refused.err).code).toBe("seal/log_disagrees_with_witness");
      const { evidence } = JSON.parse(list!().out);
      const name = evidence[0].path.split("/").at(-1);
      expect(fetched!({ NAME: name })).toMatchObject({ status: 0, err: "" });
      expect(fetched!({ NAME: "nothing" })).toMatchObject({ status: 22 });
      fetched!({ NAME: name });
      const verdict = checked!();
      expect([verdict.status, verdict.out.split("\n")[0]]).toEqual([0, "VERIFIED fork"]);
      const file = join(witness.dir, "fork.txt");
      const ours = await sealbase.run(["verify", file, "--log-key", logKey, "--text"]);
      expect([ours.code, ours.out]).toEqual([
        0,
        expect.stringMatching(/^verified: two histories in /),
      ]);

      // What else was sealed, such as the refusal, moved one of them by a place.
      const [index, receipt] = [...published].find(([place]) => others.has(place))!;
      writeFileSync(join(witness.dir, "one.txt"), receipt);
      writeFileSync(join(witness.dir, "other.txt"), others.get(index)!);
      expect(made!().status).toBe(0);
      expect(checked!().out).toContain(`they differ in entry ${index}\n`);
      expect(newest!().status).toBe(0);
      const head = cosigned!();
      expect([head.status, head.out.match(/^signed .*/gm)]).toEqual([
        0,
        [logKey, witness.vkey].map((key) => `signed  ${key.split("+").slice(0, 2).join("+")}`),
      ]);
    } finally {
      execFileSync("rm", ["-rf", older]);
    }
  }, 120_000);
});

test("a receipt is checked with a policy; one that nobody cosigned is not verified", async () => {
  const offline = { SEALBASE_DATA: "/nonexistent" };
  const policy = env["SEALBASE_WITNESS_POLICY"]!;
  const file = join(witness.dir, "receipt.txt");
  const bare = join(witness.dir, "bare.txt");
  const note = (await witness.get(`checkpoint?origin=${logKey.split("+")[0]}`)).text;
  writeFileSync(file, note);
  writeFileSync(bare, note.split("\n").slice(0, -2).join("\n").concat("\n"));
  for (const [checked, code] of [
    [file, 0],
    [bare, 1],
  ] as const) {
    const theirs = spawnSync(process.execPath, [VERIFY, checked, "--policy", policy], {
      encoding: "utf8",
    });
    expect([checked, theirs.status, theirs.stderr]).toEqual([checked, code, ""]);
    const ours = ["verify", checked, "--log-key", logKey, "--policy", policy];
    expect((await sealbase.run(ours, offline)).code).toBe(code);
  }
});

test("how it is started is checked", async () => {
  for (const [args, code] of [
    [["witness"], 2],
    [["witness", "--name", "w"], 2],
    [["witness", "--name", "w", "--logs", "nowhere"], 3],
    [["witness", "--name", "w", "--logs", "nowhere", "--listen", "here"], 2],
  ] as const)
    expect([args, (await sealbase.run(args)).code]).toEqual([args, code]);
  const bad = await sealbase.run(["status"], { SEALBASE_WITNESS_POLICY: "/nowhere" });
  expect([bad.code, JSON.parse(bad.err).code]).toEqual([3, "config/bad_witness_policy"]);
});
