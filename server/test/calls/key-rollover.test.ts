import { afterAll, beforeAll, expect, test } from "vitest";
import { followRollovers, verifyCheckpoint, verifyReceipt, verifyRollover } from "#verifier";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  system.work();
});
afterAll(() => system.stop());

interface Key {
  readonly key: string;
  readonly current: boolean;
  readonly endorsement: string | null;
}

const pay = (caller: Caller) => caller.call("POST", "/v1/risk/transactions", payment());
const keysOf = async (caller: Caller): Promise<Key[]> =>
  (await caller.call("GET", "/v1/ledger/keys")).body.keys;
const checkpointOf = async (caller: Caller): Promise<string> =>
  (await caller.call("GET", "/v1/ledger/checkpoint")).body.checkpoint;

async function rotate(caller: Caller): Promise<void> {
  const { body } = await caller.call("POST", "/v1/ledger/keys/rotate", {});
  await expect
    .poll(async () => (await caller.call("GET", `/v1/jobs/${body.id}`)).body.status)
    .toBe("done");
  await sealedEntries(system, caller.projectId);
  await expect.poll(async () => (await keysOf(caller)).at(-1)!.endorsement).not.toBeNull();
}

test("who trusts a log's first key follows to its newest by receipts, and old receipts hold", async () => {
  const caller = await system.project();
  const first = await pay(caller);
  const path = `/v1/ledger/entries/${first.headers["sealbase-call"]}/receipt`;
  const { receipt } = (await caller.call("GET", path)).body;
  await rotate(caller);
  await pay(caller);
  await rotate(caller);
  await pay(caller);
  const keys = await keysOf(caller);
  expect(keys.map(({ current }) => current)).toEqual([false, false, true]);
  const [one, two, three] = keys.map(({ key }) => key) as [string, string, string];
  const endorsements = keys.flatMap(({ endorsement }) => endorsement ?? []);
  expect(endorsements).toHaveLength(2);

  expect(followRollovers(one, endorsements)).toMatchObject({ ok: true, key: three });
  expect(followRollovers(two, endorsements)).toMatchObject({ ok: true, key: three });
  expect(verifyRollover(endorsements[0]!, one)).toMatchObject({ ok: true, nextKey: two });
  expect(verifyRollover(endorsements[1]!, one)).toMatchObject({ ok: false });
  expect(verifyRollover(receipt, one)).toMatchObject({ ok: false, code: "verify/no-rollover" });
  expect(verifyReceipt(receipt, [one])).toMatchObject({ ok: true });

  // The keys before sign nothing any more.
  const now = await checkpointOf(caller);
  expect(verifyCheckpoint(now, [three])).toMatchObject({ ok: true });
  for (const old of [one, two]) expect(verifyCheckpoint(now, [old])).toMatchObject({ ok: false });
  expect((await caller.call("POST", "/v1/ledger/verify")).body.findings).toEqual([]);
});

test("rotations in a row wait for each other: every key names the next one", async () => {
  const caller = await system.project();
  await pay(caller);
  const jobs = await Promise.all(
    Array.from({ length: 4 }, () => caller.call("POST", "/v1/ledger/keys/rotate", {})),
  );
  for (const { body } of jobs)
    await expect
      .poll(async () => (await caller.call("GET", `/v1/jobs/${body.id}`)).body.status, {
        timeout: 30_000,
      })
      .toBe("done");
  await expect.poll(async () => (await keysOf(caller)).at(-1)!.endorsement).not.toBeNull();
  const keys = await keysOf(caller);
  expect(keys).toHaveLength(5);
  const endorsements = keys.flatMap(({ endorsement }) => endorsement ?? []);
  expect(followRollovers(keys[0]!.key, endorsements)).toMatchObject({
    ok: true,
    key: keys[4]!.key,
    rollovers: keys.slice(1).map(({ key }) => ({ nextKey: key })),
  });
  expect(followRollovers(keys[4]!.key, endorsements)).toMatchObject({ ok: true, rollovers: [] });
  // Without the first step there is no way from the first key.
  expect(followRollovers(keys[0]!.key, endorsements.slice(1))).toMatchObject({ ok: false });
});

test("a server that starts between a rollover and its checkpoint lets the key before sign once more", async () => {
  const caller = await system.project();
  await pay(caller);
  const before = await checkpointOf(caller);
  await rotate(caller);
  const [old] = await keysOf(caller);
  // As if the checkpoint that covers the rollover had never been signed.
  await system.sql("delete from ledger.checkpoints where tenant_id = $1 and size > $2", [
    caller.projectId,
    Number(before.split("\n")[1]),
  ]);
  const other = await system.another();
  await pay(other.as(caller.key, caller.projectId));
  const [, next] = await keysOf(caller);
  expect(verifyRollover(next!.endorsement!, old!.key)).toMatchObject({
    ok: true,
    nextKey: next!.key,
  });
});
