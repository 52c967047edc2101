import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  EMPTY_ROOT,
  ed25519Signer,
  formatAddCheckpoint,
  openNote,
  signCheckpoint,
  verifierOf,
  verifyCheckpoint,
  verifyFork,
} from "#verifier";
import { memoryLog, WitnessRig } from "./witness-rig.ts";

const rig = new WitnessRig();
const known = Array.from({ length: 20 }, (_, i) => memoryLog(`log.test/${i}`, 100 + i));
/** A log that no other test has asked about. */
const fresh = () => known.pop()!;

beforeAll(async () => {
  await rig.know(...known.map(({ vkey }) => vkey));
  await rig.start();
});
afterAll(() => rig.close());

const signedBy = (note: string, cosignature: string) =>
  openNote(`${note}${cosignature}`, [verifierOf(rig.vkey)]).verified.length;

describe("add-checkpoint", () => {
  test("cosigns a log that grows, each time from where it was", async () => {
    const log = fresh();
    let old = 0;
    for (const size of [0, 1, 1, 2, 7, 7, 8, 300]) {
      const answer = await rig.add(await log.request(old, size));
      expect([size, answer.status]).toEqual([size, 200]);
      const note = await log.checkpoint(size);
      expect(signedBy(note, answer.text)).toBe(1);
      expect(verifyCheckpoint(`${note}${answer.text}`, [log.vkey, rig.vkey])).toMatchObject({
        ok: true,
        size,
        keys: { length: 2 },
      });
      old = size;
    }
    expect((await rig.get(`checkpoint?origin=${log.origin}`)).text).toContain("\n300\n");
  });

  test.for<[string, (log: ReturnType<typeof fresh>) => Promise<string>, number, string?]>([
    ["a log that it does not know", () => memoryLog("stranger.test/log", 9).request(0, 3), 404],
    [
      "a key that it does not know of a log that it knows",
      async ({ origin }) => memoryLog(origin, 99).request(0, 3),
      403,
    ],
    [
      "the key of another log",
      async ({ origin }) => {
        const other = known[1]!;
        const note = (await memoryLog(origin, 99).checkpoint(3, [other])).toString();
        return formatAddCheckpoint({ old: 0, proof: [], checkpoint: note });
      },
      403,
    ],
    [
      "a wrong signature",
      async (log) =>
        (await log.request(0, 3)).replace(
          /([A-Za-z])(.{8}\n)$/,
          (_, a, end) => `${a === "A" ? "B" : "A"}${end}`,
        ),
      403,
    ],
    [
      "an old size above its own",
      async (log) => {
        const checkpoint = await log.checkpoint(3);
        return formatAddCheckpoint({ old: 4, proof: [], checkpoint });
      },
      400,
    ],
    ["nothing", async () => "", 400],
    ["no checkpoint", async () => "old 0\n\nhello\n", 400],
    [
      "a size with a zero before it",
      async (log) => (await log.request(0, 3)).replace("old 0", "old 00"),
      400,
    ],
    [
      "64 hashes",
      async (log) =>
        formatAddCheckpoint({
          old: 0,
          proof: Array(64).fill(new Uint8Array(32)),
          checkpoint: await log.checkpoint(3),
        }),
      400,
    ],
    ["another size than was cosigned", (log) => log.request(2, 3), 409, "0\n"],
    [
      "a proof where none belongs",
      async (log) =>
        formatAddCheckpoint({
          old: 0,
          proof: [new Uint8Array(32)],
          checkpoint: await log.checkpoint(3),
        }),
      422,
    ],
  ])("refuses %s", async ([, body, status, text]) => {
    const log = fresh();
    known.unshift(log);
    const answer = await rig.add(await body(log));
    expect(answer.status).toBe(status);
    if (text !== undefined) expect([answer.type, answer.text]).toEqual(["text/x.tlog.size", text]);
    else expect(answer.text).toMatch(/^.+\n$/);
    expect((await rig.get(`checkpoint?origin=${log.origin}`)).status).toBe(404);
  });

  test("refuses a proof with any hash of it changed, taken away or added", async () => {
    const log = fresh();
    await rig.add(await log.request(0, 5));
    const proof = await log.proof(5, 9);
    const checkpoint = await log.checkpoint(9);
    const wrong = [
      ...proof.map((_, i) =>
        proof.map((hash, j) => (i === j ? hash.map((byte) => byte ^ 1) : hash)),
      ),
      proof.slice(1),
      proof.slice(0, -1),
      [...proof, proof[0]!],
      [],
    ];
    for (const proofOf of wrong)
      expect(
        (await rig.add(formatAddCheckpoint({ old: 5, proof: proofOf, checkpoint }))).status,
      ).toBe(422);
    expect((await rig.add(formatAddCheckpoint({ old: 5, proof, checkpoint }))).status).toBe(200);
    // A proof that is wrong shows nothing about the log.
    expect(JSON.parse((await rig.get("evidence")).text)).toEqual({ evidence: [] });
  });

  test("answers what it was sent before with the size that it is at now", async () => {
    const log = fresh();
    const [first, second] = [await log.request(0, 3), await log.request(3, 6)];
    for (const body of [first, second]) expect((await rig.add(body)).status).toBe(200);
    for (const body of [first, second])
      expect(await rig.add(body)).toMatchObject({ status: 409, text: "6\n" });
    // A smaller checkpoint is never cosigned again.
    expect((await rig.add(await log.request(3, 3))).status).toBe(409);
  });

  test("lets one of two that race go on, and never goes back", async () => {
    const log = fresh();
    expect((await rig.add(await log.request(0, 2))).status).toBe(200);
    const bodies = await Promise.all(Array.from({ length: 24 }, (_, i) => log.request(2, 3 + i)));
    const answers = await Promise.all(bodies.map((body) => rig.add(body)));
    const won = answers.flatMap(({ status }, i) => (status === 200 ? [3 + i] : []));
    expect(won).toHaveLength(1);
    for (const { status, text } of answers)
      if (status !== 200) expect([status, text]).toEqual([409, `${won[0]}\n`]);
    expect((await rig.get(`checkpoint?origin=${log.origin}`)).text).toContain(`\n${won[0]}\n`);
  });

  test("bounds how large a request is, and how often a log grows", async () => {
    expect((await rig.add("x".repeat(70_000))).status).toBe(413);
    expect((await rig.add(Uint8Array.of(0xff))).status).toBe(400);
    const log = fresh();
    const bodies = await Promise.all(Array.from({ length: 80 }, (_, i) => log.request(i, i + 1)));
    const statuses = [];
    for (const body of bodies) {
      const { status } = await rig.add(body);
      statuses.push(status);
      if (status !== 200) break;
    }
    expect([statuses.length >= 40, statuses.at(-1)]).toEqual([true, 429]);
  });
});

describe("a fork is refused with evidence", () => {
  async function evidenceAbout(origin: string): Promise<string[]> {
    const { evidence } = JSON.parse((await rig.get("evidence")).text) as {
      evidence: { path: string }[];
    };
    const texts = await Promise.all(evidence.map(async ({ path }) => (await rig.get(path)).text));
    return texts.filter((text) =>
      Buffer.from(/^first (.*)$/m.exec(text)![1]!, "base64")
        .toString()
        .startsWith(`${origin}\n`),
    );
  }

  test("of two roots at one size", async () => {
    const log = fresh();
    const fork = log.history(3);
    await rig.add(await log.request(0, 6));
    expect(await rig.add(await fork.request(6, 6))).toMatchObject({ status: 409, text: "6\n" });
    expect(await rig.add(await fork.request(0, 6))).toMatchObject({ status: 409, text: "6\n" });
    const texts = await evidenceAbout(log.origin);
    expect(texts).toHaveLength(1);
    expect(verifyFork(texts[0]!, [log.vkey])).toMatchObject({ ok: true, differs: { size: 6 } });
    expect((await rig.add(await log.request(6, 7))).status).toBe(200);
  });

  test("of a newer log that does not begin with the older one, found offline by the command", async () => {
    const log = fresh();
    const fork = log.history(3);
    await rig.add(await log.request(0, 6));
    expect((await rig.add(await fork.request(6, 9))).status).toBe(422);
    const [text] = await evidenceAbout(log.origin);
    expect(verifyFork(text!, [log.vkey])).toMatchObject({
      ok: true,
      first: { size: 6 },
      second: { size: 9 },
    });
    const file = join(rig.dir, "evidence");
    writeFileSync(file, text!);
    const bin = join(import.meta.dirname, "../../verifier/bin/sealbase-verify.js");
    const checked = spawnSync(process.execPath, [bin, file, "--key", log.vkey, "--no-json"], {
      encoding: "utf8",
    });
    expect([checked.status, checked.stderr]).toEqual([0, ""]);
    expect(checked.stdout).toMatch(/^VERIFIED fork\nlog .*\nsays .*two histories.*first 6 entries/);
  });

  test("of which only the note is left in its log when the proof shows nothing by itself", async () => {
    const log = fresh();
    await rig.add(await log.request(0, 4));
    expect((await rig.add(await log.history(2).request(4, 9))).status).toBe(422);
    expect(await evidenceAbout(log.origin)).toEqual([]);
    const line = JSON.stringify(await log.history(2).checkpoint(9)).slice(1, -1);
    const written = () => rig.lines.split(line).length - 1;
    expect(written()).toBe(1);
    // Sent again it is refused again, and fills no disk.
    for (let round = 0; round < 5; round++)
      expect((await rig.add(await log.history(2).request(4, 9))).status).toBe(422);
    expect((await rig.add(await log.history(2).request(4, 10))).status).toBe(422);
    const other = JSON.stringify(await log.history(2).checkpoint(10)).slice(1, -1);
    await expect.poll(() => rig.lines).toContain(other);
    expect(written()).toBe(1);
  });
});

test("it says who it is, that it lives and what it answered", async () => {
  expect((await rig.get("key")).text).toBe(`${rig.vkey}\n`);
  expect((await rig.get("livez")).text).toBe('{"live":true}');
  expect((await rig.get("nothing")).status).toBe(404);
  expect((await rig.get("evidence/..%2f..%2fwitness.key")).status).toBe(404);
  const metrics = (await rig.get("metrics")).text;
  expect(metrics).toMatch(/sealbase_witness_answers_total\{status="200"\} \d+/);
  expect(metrics).toMatch(/sealbase_witness_forks \d+/);
});

describe("its process", () => {
  test("is killed at any moment and goes back on nothing", async () => {
    const log = fresh();
    let cosigned = 0;
    for (let round = 0; round < 4; round++) {
      const asking = (async () => {
        for (let size = cosigned + 1; size < cosigned + 30; size++) {
          const { status } = await rig.add(await log.request(cosigned, size));
          if (status === 200) cosigned = size;
        }
      })().catch((error) => expect(error).toBeInstanceOf(TypeError));
      await expect.poll(() => cosigned).toBeGreaterThan(round);
      await rig.kill();
      await asking;
      await rig.start();
      // It may have kept one that it could not tell of any more, never one before.
      const { text } = await rig.add(await log.request(0, 1_000));
      expect(Number(text)).toBeGreaterThanOrEqual(cosigned);
      cosigned = Number(text);
    }
    const fork = await log.history(0).request(cosigned, cosigned);
    expect((await rig.add(fork)).status).toBe(409);
  }, 60_000);

  test("reads the list of logs again when it is told, and keeps the old one when the new one is wrong", async () => {
    const late = memoryLog("late.test/log", 77);
    expect((await rig.add(await late.request(0, 2))).status).toBe(404);
    const old = readFileSync(rig.logsFile, "utf8");
    await rig.know(...known.map(({ vkey }) => vkey), late.vkey);
    expect((await rig.add(await late.request(0, 2))).status).toBe(200);
    await rig.know("nonsense");
    expect((await rig.add(await late.request(2, 3))).status).toBe(200);
    writeFileSync(rig.logsFile, old);
  });

  test("takes a checkpoint under a log's next key", async () => {
    const log = memoryLog("rotated.test/log", 78);
    const next = ed25519Signer(log.origin, new Uint8Array(32).fill(79));
    await rig.know(log.vkey, next.vkey);
    expect((await rig.add(await log.request(0, 2))).status).toBe(200);
    const proof = await log.proof(2, 5);
    const checkpoint = await log.checkpoint(5, [next]);
    expect((await rig.add(formatAddCheckpoint({ old: 2, proof, checkpoint }))).status).toBe(200);
    // Each history under another key of the log: a fork all the same.
    expect((await rig.add(await log.history(1).request(5, 5))).status).toBe(409);
    const { evidence } = JSON.parse((await rig.get("evidence")).text);
    const texts = await Promise.all(
      evidence.map(async ({ path }: { path: string }) => (await rig.get(path)).text),
    );
    const proven = texts.filter((text) => verifyFork(text, [log.vkey, next.vkey]).ok);
    expect(proven).toHaveLength(1);
    expect(verifyFork(proven[0]!, [log.vkey])).toMatchObject({ code: "verify/signature-missing" });
  });

  test("is one, keeps its name, and does not begin anew when it has forgotten", async () => {
    const twin = new WitnessRig(rig.name);
    Object.assign(twin, { data: rig.data });
    await twin.know();
    await expect(twin.start()).rejects.toThrow(/config\/witness_running/);
    await rig.kill("SIGTERM");
    Object.assign(twin, { name: "other.test/w" });
    await expect(twin.start()).rejects.toThrow(/config\/witness_renamed/);
    renameSync(join(rig.data, "logs"), join(rig.dir, "elsewhere"));
    await expect(rig.start()).rejects.toThrow(/config\/witness_forgot/);
    renameSync(join(rig.dir, "elsewhere"), join(rig.data, "logs"));
    writeFileSync(join(rig.data, "logs", ".sealbase-tmp-1-half"), "");
    await twin.close();
    await rig.start();
    const files = readdirSync(join(rig.data, "logs"));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files)
      expect(readFileSync(join(rig.data, "logs", file), "utf8")).toMatch(/^\w+\.test\//);
  });
});

test("a checkpoint with the signature of another than its log beside it is kept without it", async () => {
  const log = fresh();
  await rig.know(log.vkey);
  const stranger = ed25519Signer("stranger.test", new Uint8Array(32).fill(5));
  const checkpoint = await signCheckpoint({ origin: log.origin, size: 0, root: EMPTY_ROOT }, [
    log,
    stranger,
  ]);
  expect((await rig.add(formatAddCheckpoint({ old: 0, proof: [], checkpoint }))).status).toBe(200);
  expect((await rig.get(`checkpoint?origin=${log.origin}`)).text).not.toContain("stranger");
});
