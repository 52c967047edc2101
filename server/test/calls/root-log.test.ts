import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyHead } from "#verifier";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const pay = (caller: Caller) => caller.call("POST", "/v1/risk/transactions", payment());
const keysOf = async (caller: Caller): Promise<string[]> =>
  (await caller.call("GET", "/v1/ledger/checkpoint")).body.keys;

test("the heads of all logs are sealed in one log, and each project can show its own", async () => {
  const [a, b] = [await system.project(), await system.project()];
  await pay(a);
  await pay(b);
  await pay(b);
  await system.sealHeads();
  for (const [caller, size] of [
    [a, 1],
    [b, 2],
  ] as const) {
    const { status, body } = await caller.call("GET", "/v1/ledger/root-seal");
    expect(status).toBe(200);
    const keys = { root: body.keys, log: await keysOf(caller) };
    expect(verifyHead(body, keys)).toMatchObject({
      ok: true,
      root: { origin: "sealbase.test/log/root", entry: { kind: "head", refs: {} } },
      head: { origin: `sealbase.test/log/${caller.projectId}`, size },
    });
    // What the root log publishes names nobody.
    expect(Buffer.from(body.receipt.split("\n")[1].slice(6), "base64").toString()).not.toContain(
      caller.projectId,
    );
  }
  const { body } = await b.call("GET", "/v1/ledger/root-seal");
  expect(verifyHead(body, { root: body.keys, log: await keysOf(a) })).toMatchObject({ ok: false });
  expect(
    verifyHead(
      { ...body, salt: body.salt.replace(/^./, body.salt[0] === "A" ? "B" : "A") },
      { root: body.keys, log: await keysOf(b) },
    ),
  ).toMatchObject({
    ok: false,
    code: "verify/head-unopened",
  });
});

test("everybody may read the root log, under its name", async () => {
  await pay(await system.project());
  await system.sealHeads();
  const get = (path: string) => system.as("").call("GET", `/log/root/${path}`);
  const [, size] = (await get("checkpoint")).text.split("\n");
  const bundle = await get(`tile/entries/000${Number(size) < 256 ? `.p/${size}` : ""}`);
  expect(bundle.status).toBe(200);
  expect(bundle.text).toContain('"kind":"head"');
});

test("a head is sealed once, by one of two servers, and a log that stood still is left alone", async () => {
  const other = await system.another();
  const caller = await system.project();
  await pay(caller);
  await Promise.all([system.sealHeads(), other.sealHeads()]);
  await system.sealHeads();
  await pay(caller);
  await other.sealHeads();
  const rows = await system.sql<{ size: string }>(
    "select size from ledger.root_heads where log_id = $1 order by size",
    [caller.projectId],
  );
  expect(rows.map(({ size }) => size)).toEqual(["1", "2"]);
  const at = async (size: number) =>
    (await caller.call("GET", `/v1/ledger/root-seal?size=${size}`)).body;
  expect(await at(1)).toMatchObject({ size: 1 });
  expect(await at(2)).toMatchObject({ size: 2 });
  expect(await at(3)).toMatchObject({ code: "action/root_seal_pending" });
  const [root] = await system.sql<{ id: string }>(
    "select distinct tenant_id as id from ledger.root_heads",
  );
  expect((await sealedEntries(system, root!.id)).every(({ kind }) => kind === "head")).toBe(true);
});

test("a log that does not lead to what the root log sealed is not extended", async () => {
  const caller = await system.project();
  for (let i = 0; i < 5; i++) await pay(caller);
  await sealedEntries(system, caller.projectId);
  const { hashes } = (
    await system.sql<{ hashes: Buffer[] }>("select hashes from ledger.heads where tenant_id = $1", [
      caller.projectId,
    ])
  )[0]!;
  expect(hashes.length).toBe(2);
  await system.sealHeads();
  // Put back to four entries, checkpoints and all: the first subtree hash is the whole tree then.
  for (const statement of [
    "delete from ledger.entries where tenant_id = $1 and index >= 4",
    "delete from ledger.checkpoints where tenant_id = $1 and size > 4",
    "update ledger.heads set size = 4, hashes = hashes[1:1] where tenant_id = $1",
  ])
    await system.sql(statement, [caller.projectId]);
  const other = await system.another();
  const refused = await pay(other.as(caller.key, caller.projectId));
  expect([refused.status, refused.body.code]).toEqual([503, "seal/log_restored"]);
  expect(refused.body.facts).toMatchObject({ published_size: 5, stored_size: 4 });
});
