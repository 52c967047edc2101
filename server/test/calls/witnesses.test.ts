import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WitnessSettings } from "#kernel/witness-settings.ts";
import { cosigner, verifyCheckpoint, verifyFork, verifyReceipt } from "#verifier";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";
import { WitnessRig } from "../witness-rig.ts";

const one = new WitnessRig("witness.test/one");
const two = new WitnessRig("witness.test/two");
const three = new WitnessRig("witness.test/three");
const rigs = [one, two, three];
let system: TestSystem;
const known: string[] = [];

/** A policy's file, and how a system is told of it. */
function policy(quorum: string, wait?: "quorum" | "none"): WitnessSettings {
  const policyFile = join(one.dir, `policy-${quorum.replaceAll(" ", "-")}`);
  const lines = rigs.map(({ vkey, url }, i) => `witness w${i + 1} ${vkey} ${url}`);
  const group = quorum.includes(" ") ? [`group q ${quorum}`, "quorum q"] : [`quorum ${quorum}`];
  writeFileSync(policyFile, [...lines, ...group, ""].join("\n"));
  return { policyFile, wait, timeout_ms: 2_000 };
}

/** A project whose log the witnesses know. */
async function project(): Promise<Caller & { key: string; keys: string[] }> {
  const caller = await system.project();
  const { body } = await caller.call("GET", "/v1/ledger/checkpoint");
  expect([body.code, body.facts.keys]).toEqual(["action/no_checkpoint", [expect.any(String)]]);
  known.push(...body.facts.keys);
  for (const rig of rigs) await rig.know(...known);
  return { ...caller, keys: body.facts.keys };
}

beforeAll(async () => {
  for (const rig of rigs) {
    await rig.know();
    await rig.start();
  }
  system = await openTestSystem({ witness: policy("w1") });
});
afterAll(async () => {
  await system.stop();
  for (const rig of rigs) await rig.close();
});

const pay = (caller: Caller, prefer = "wait=published") =>
  caller.call("POST", "/v1/risk/transactions", payment(), { prefer });
const follow = (caller: Caller, query: string) =>
  caller.call("GET", `/v1/realtime?after=0.0&${query}`, undefined, { accept: "text/event-stream" });
const head = async (caller: Caller) => (await caller.call("GET", "/v1/ledger/checkpoint")).body;
const receipt = (caller: Caller, id: string) =>
  caller.call("GET", `/v1/ledger/entries/${id}/receipt`);
const policyText = (caller: { keys: string[] }) =>
  `log ${caller.keys[0]}\nwitness w1 ${one.vkey}\nquorum w1\n`;
const callOf = ({ headers }: { headers: Record<string, string | undefined> }) =>
  headers["sealbase-call"]!;

/** Everything that is stored of logs, to be put back later as a restore would. */
const TABLES = "heads pending entries payloads tiles checkpoints cosignatures witnessed".split(" ");
async function backup(caller: Caller) {
  const name = `backup_${randomBytes(8).toString("hex")}`;
  const where = `where tenant_id = '${caller.projectId}'`;
  await system.sql(`create schema ${name}`);
  for (const table of TABLES) {
    await system.sql(`create table ${name}.${table} as select * from ledger.${table} ${where}`);
  }
  return async () => {
    for (const table of TABLES) {
      await system.sql(`delete from ledger.${table} ${where}`);
      await system.sql(`insert into ledger.${table} select * from ${name}.${table}`);
    }
  };
}

describe("published means witnessed", () => {
  test("for the caller who waits, the receipt, the newest checkpoint and who follows", async () => {
    const caller = await project();
    const done = await pay(caller);
    expect([done.status, done.headers["sealbase-entry"]]).toEqual([201, expect.any(String)]);
    const { receipt: text } = (await receipt(caller, callOf(done))).body;
    expect(verifyReceipt(text, [], policyText(caller))).toMatchObject({
      ok: true,
      index: 0,
      keys: { length: 2 },
    });
    const { checkpoint, cosignatures, size } = await head(caller);
    expect(verifyCheckpoint(checkpoint, [], policyText(caller))).toMatchObject({ ok: true, size });
    expect(cosignatures).toContainEqual({
      key: expect.stringMatching(/^witness\.test\/one\+/),
      time: expect.any(String),
    });
    expect(Math.abs(Date.now() - Date.parse(cosignatures[0].time))).toBeLessThan(60_000);
    const followed = await follow(caller, "channels=checkpoints&events_max=1");
    expect(followed.text).toContain("witness.test/one");
    expect((await caller.call("POST", "/v1/ledger/verify")).body).toMatchObject({ valid: true });
  });

  test("so nothing is while the witness is away; it is durable, and published when it is back", async () => {
    const caller = await project();
    await pay(caller);
    const { size } = await head(caller);
    await one.kill();
    const durable = await pay(caller, "wait=durable");
    expect(durable.status).toBe(201);
    const id = callOf(durable);
    await expect
      .poll(() => system.sql("select from ledger.entries where id = $1", [id]))
      .toHaveLength(1);
    expect((await receipt(caller, id)).body.code).toBe("action/receipt_pending");
    expect((await head(caller)).size).toBe(size);
    const followed = await follow(caller, "channels=entries&seconds_max=1");
    expect(followed.text).toContain("risk.transaction.assess");
    expect(followed.text).not.toContain(id);
    await one.start();
    await expect
      .poll(async () => (await receipt(caller, id)).status, { timeout: 20_000 })
      .toBe(200);
    expect((await head(caller)).size).toBeGreaterThan(size);
  });

  test("with a quorum of two of three, by two servers, one witness dead", async () => {
    const caller = await project();
    const witness = policy("2 w1 w2 w3");
    const servers = [await system.another({ witness }), await system.another({ witness })];
    await three.kill();
    const ways = servers.map((server) => server.as(caller.key, caller.projectId));
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => pay(ways[i % 2]!)));
    for (const { status, headers } of answers)
      expect([status, headers["sealbase-entry"]]).toEqual([201, expect.any(String)]);
    const text = (await receipt(ways[0]!, callOf(answers[0]!))).body.receipt;
    const both = `log ${caller.keys[0]}\nwitness a ${one.vkey}\nwitness b ${two.vkey}\ngroup g all a b\nquorum g\n`;
    expect(verifyReceipt(text, [], both)).toMatchObject({ ok: true });
    await three.start();
    for (const server of servers) await server.stop();
  });

  test("not where the operator says none: signed is published, and cosignatures come after", async () => {
    const caller = await project();
    const other = await system.another({ witness: policy("w2", "none") });
    const way = other.as(caller.key, caller.projectId);
    await two.kill();
    const done = await pay(way);
    expect(done.headers["sealbase-entry"]).toEqual(expect.any(String));
    expect((await receipt(way, callOf(done))).status).toBe(200);
    await two.start();
    other.work();
    await expect
      .poll(async () => (await head(way)).cosignatures.map(({ key }: { key: string }) => key), {
        timeout: 40_000,
      })
      .toContainEqual(expect.stringContaining("witness.test/two"));
    await other.stop();
  });
});

test("a process that names no witnesses does not sign a log that was witnessed", async () => {
  const caller = await project();
  await pay(caller);
  const other = await system.another({ witness: undefined });
  const refused = await pay(other.as(caller.key));
  expect([refused.status, refused.body.code]).toEqual([503, "seal/witnesses_not_named"]);
  expect((await pay(other.as((await other.project()).key))).status).toBe(201);
  await other.stop();
});

test("verification misses the checkpoint that witnesses cosigned", async () => {
  const caller = await project();
  await pay(caller);
  await pay(caller);
  const verify = async () => (await caller.call("POST", "/v1/ledger/verify")).body;
  expect(await verify()).toMatchObject({ valid: true });
  await system.sql(
    "delete from ledger.checkpoints where tenant_id = $1 and size = (select max(size) from ledger.checkpoints where tenant_id = $1)",
    [caller.projectId],
  );
  expect((await verify()).findings).toMatchObject([{ kind: "checkpoint_missing", at: 2 }]);
});

test("verification finds a cosignature that the witness did not make, also where it begins", async () => {
  const caller = await project();
  await pay(caller);
  await pay(caller);
  const verify = async (input: object = {}) =>
    (await caller.call("POST", "/v1/ledger/verify", input)).body;
  const { valid, size, root, cosignatures } = await verify();
  expect([valid, cosignatures]).toEqual([true, expect.any(Number)]);
  expect(cosignatures).toBeGreaterThan(1);
  const [key] = one.vkey.split("+");
  await system.sql(
    `update ledger.cosignatures c set line = (select line from ledger.cosignatures
       where tenant_id = c.tenant_id and key = c.key and size < c.size limit 1)
     where tenant_id = $1 and size = $2 and key like $3`,
    [caller.projectId, size, `${key}+%`],
  );
  for (const since of [{}, { since_size: size, since_root: root }])
    expect((await verify(since)).findings).toMatchObject([
      { kind: "cosignature_forged", at: size },
    ]);
});

describe("before the first signature of a process", () => {
  test("the witnesses are asked; while too few answer, nothing is placed or signed, and nothing is lost", async () => {
    await one.kill();
    const own = await openTestSystem({ witness: policy("w1") });
    const id = callOf(await pay(own.home, "wait=durable"));
    const failed = async () =>
      (await own.parts.metrics.witnesses.get()).values.reduce(
        (sum, { labels, value }) => sum + (labels.outcome === "failed" ? value : 0),
        0,
      );
    await expect.poll(failed, { timeout: 10_000 }).toBeGreaterThan(2);
    const placed = () => own.sql("select size from ledger.heads where size > 0");
    expect(await placed()).toEqual([]);
    expect(await own.sql("select from ledger.checkpoints")).toEqual([]);
    const { keys } = (await head(own.home)).facts;
    await one.know(...known, ...keys);
    await one.start();
    await expect
      .poll(async () => (await receipt(own.home, id)).status, { timeout: 20_000 })
      .toBe(200);
    await own.stop();
  }, 60_000);
});

describe("a backup that was put back", () => {
  test("is consistent in itself, and no fresh server signs it: the witness has seen more", async () => {
    const caller = await project();
    await pay(caller);
    const older = await backup(caller);
    for (let i = 0; i < 4; i++) await pay(caller);
    const newer = await backup(caller);
    const { size } = await head(caller);
    await older();

    const other = await system.another();
    const way = other.as(caller.key, caller.projectId);
    // Nothing in the database tells that it is old.
    const [{ largest } = { largest: 0 }] = await system.sql<{ largest: number }>(
      "select greatest((select max(size) from ledger.checkpoints where tenant_id = $1), (select size from ledger.heads where tenant_id = $1))::int as largest",
      [caller.projectId],
    );
    expect(largest).toBeLessThan(size);
    const refused = await pay(way);
    expect([refused.status, refused.body.code]).toEqual([503, "seal/log_behind_witness"]);
    expect(refused.body.facts).toMatchObject({
      witness: expect.stringMatching(/^w[123]$/),
      witnessed_size: size,
      stored_size: largest,
    });
    expect(refused.body.help).toMatch(/sealbase witnesses/);
    const { body: ready } = await other.home.call("GET", "/readyz");
    expect(ready.reasons).toContainEqual(
      expect.stringContaining(`log/${caller.projectId}: seal/log_behind_witness`),
    );
    const [checkpoint] = await system.sql<{ size: number }>(
      "select max(size)::int as size from ledger.checkpoints where tenant_id = $1",
      [caller.projectId],
    );
    expect(checkpoint!.size).toBe(largest);
    await expect
      .poll(() =>
        system.sql(
          "select severity, facts::json->>'witnessed_size' as size from telemetry.security_events where tenant_id = $1 and kind = 'log_refused_by_witness'",
          [caller.projectId],
        ),
      )
      .toContainEqual({ severity: "critical", size: String(size) });
    // Other logs go on.
    expect((await pay(other.as((await project()).key))).status).toBe(201);
    await other.stop();

    await newer();
    const restored = await system.another();
    const done = await pay(restored.as(caller.key, caller.projectId));
    expect([done.status, done.headers["sealbase-entry"]]).toEqual([201, expect.any(String)]);
    await restored.stop();
  }, 60_000);

  test("is found by the process that signed more, too", async () => {
    const caller = await project();
    await pay(caller);
    const older = await backup(caller);
    await pay(caller);
    await pay(caller);
    await older();
    const refused = await pay(caller);
    expect([refused.status, refused.body.code]).toEqual([503, "seal/log_restored"]);
  });

  test("and was continued without witnesses is refused where they are asked, with evidence of the fork", async () => {
    const caller = await project();
    for (let i = 0; i < 3; i++) await pay(caller);
    const older = await backup(caller);
    for (let i = 0; i < 3; i++) await pay(caller);
    const { checkpoint: first, size } = await head(caller);
    expect(size).toBe(6);
    await older();
    const policyFile = join(one.dir, "policy-of-nobody");
    writeFileSync(policyFile, "quorum none\n");
    const alone = await system.another({ witness: { policyFile, wait: undefined, timeout_ms: 1 } });
    for (let i = 0; i < 6; i++) await pay(alone.as(caller.key, caller.projectId));
    const second = (await head(alone.as(caller.key, caller.projectId))).checkpoint;
    await alone.stop();
    // Each reader alone is content.
    expect(verifyCheckpoint(first, [], policyText(caller))).toMatchObject({ ok: true });
    expect(verifyCheckpoint(second, caller.keys)).toMatchObject({ ok: true });

    // One witness alone is asked: where there are more, whichever answers first ends the call, and it need not be this one.
    const onlyFile = join(one.dir, "policy-of-one");
    writeFileSync(onlyFile, `witness w1 ${one.vkey} ${one.url}\nquorum w1\n`);
    const other = await system.another({
      witness: { policyFile: onlyFile, wait: undefined, timeout_ms: 20_000 },
    });
    const refused = await pay(other.as(caller.key, caller.projectId));
    expect([refused.status, refused.body.code]).toEqual([503, "seal/log_disagrees_with_witness"]);
    await other.stop();
    const { evidence } = JSON.parse((await one.get("evidence")).text);
    const texts = await Promise.all(
      evidence.map(async ({ path }: { path: string }) => (await one.get(path)).text),
    );
    const found = texts.map((text) => verifyFork(text, caller.keys)).filter(({ ok }) => ok);
    expect(found.length).toBeGreaterThan(0);
    for (const fork of found) expect(fork).toMatchObject({ ok: true, differs: { size: 6 } });
  }, 60_000);
});

describe("a witness that answers", () => {
  /** Says what it is told to say to every question about this caller's log. */
  async function answering(answer: (request: IncomingMessage, reply: ServerResponse) => void) {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const stranger = cosigner("lying.test/w", new Uint8Array(32).fill(9), () => 1);
    const policyFile = join(one.dir, `policy-${(server.address() as AddressInfo).port}`);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/w`;
    writeFileSync(policyFile, `witness lying ${stranger.vkey} ${url}\nquorum lying\n`);
    const other = await system.another({
      witness: { policyFile, wait: undefined, timeout_ms: 300 },
    });
    return { other, server };
  }

  test.for<[string, (reply: ServerResponse) => void, string]>([
    ["nothing that is a signature", (reply) => reply.end("hello\n"), "failed"],
    [
      "another's cosignature",
      (reply) => reply.end(`— witness.test/one ${"A".repeat(104)}\n`),
      "failed",
    ],
    ["its name under a wrong signature", (reply) => reply.end(wrongLine()), "failed"],
    ["409 without a size", (reply) => void reply.writeHead(409).end("no\n"), "failed"],
    ["409 with a size of another type", (reply) => void reply.writeHead(409).end("7\n"), "failed"],
    ["500", (reply) => void reply.writeHead(500).end(), "failed"],
    ["a redirect", (reply) => void reply.writeHead(307, { location: one.url }).end(), "failed"],
    ["more than it should", (reply) => reply.end("x".repeat(100_000)), "failed"],
    ["nothing in time", () => {}, "failed"],
    ["half", (reply) => void reply.writeHead(200, { "content-length": 100 }).destroy(), "failed"],
    ["404", (reply) => void reply.writeHead(404).end(), "unknown"],
    ["422 to the empty log", (reply) => void reply.writeHead(422).end(), "disagrees"],
    [
      "a size that nobody has",
      (reply) =>
        void reply.writeHead(409, { "content-type": "text/x.tlog.size" }).end("900719925474099\n"),
      "ahead",
    ],
  ])("%s", async ([, say, what]) => {
    const { other, server } = await answering((_, reply) => say(reply));
    const caller = await system.project();
    expect(await other.askWitnesses(caller.projectId)).toEqual([
      { witness: "lying", said: expect.objectContaining({ what }) },
    ]);
    server.closeAllConnections();
    server.close();
    await other.stop();
  });

  function wrongLine(): string {
    const { name, keyId } = cosigner("lying.test/w", new Uint8Array(32).fill(9), () => 1);
    const bytes = Buffer.alloc(4 + 72, 1);
    bytes.writeUInt32BE(keyId);
    return `— ${name} ${bytes.toString("base64")}\n`;
  }
});
