import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as verifier from "#verifier";
import { eachItem, SealbaseClient } from "../../../sdk/src/index.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
let client: SealbaseClient;
let url: string;

beforeAll(async () => {
  system = await openTestSystem();
  await system.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = system.app.server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;
  client = new SealbaseClient({ url, key: system.home.key });
});

afterAll(() => system?.stop());

const PAYMENT = {
  type: "PAYMENT",
  amount_cents: 12_345,
  origin_account: "A",
  destination_account: "B",
} as const;

it("assesses a payment, finds it by its chain, and verifies its receipt", async () => {
  const { output, meta } = await client.withMeta.risk.transaction.assess(PAYMENT);
  expect(meta).toMatchObject({ id: output.id, status: 201, repeated: false, attempts: 1 });
  expect(Object.keys(meta.timings_ms)).toEqual(["request", "policy", "score", "action", "seal"]);
  const { calls } = await client.telemetry.chain.why({ id: output.id });
  expect(calls[0]).toMatchObject({ id: output.id, request: { input: PAYMENT } });
  const { receipt } = await client.ledger.receipt.get({ id: output.id });
  const { keys } = await client.ledger.checkpoint.get();
  expect(verifier.verifyReceipt(receipt, keys)).toMatchObject({
    ok: true,
    index: meta.entry!.index,
  });
});

it("gets the first answer again for the same key", async () => {
  const idempotencyKey = crypto.randomUUID();
  const first = await client.withMeta.risk.transaction.assess(PAYMENT, { idempotencyKey });
  const again = await client.withMeta.risk.transaction.assess(PAYMENT, { idempotencyKey });
  expect(again.output).toEqual(first.output);
  expect([first.meta.repeated, again.meta.repeated]).toEqual([false, true]);
});

it("gives one result an item", async () => {
  const huge = { ...PAYMENT, amount_cents: 2_000_000_000 };
  const results = await client.risk.transaction.assess([PAYMENT, huge], { acknowledge: "durable" });
  expect(results).toMatchObject([
    { ok: true, status: 201 },
    { ok: false, status: 403, refusal: { code: "policy/denied", facts: { why: "forbidden" } } },
  ]);
});

it("throws the refusal that the server gave", async () => {
  const id = crypto.randomUUID();
  await expect(client.ledger.entry.get({ id })).rejects.toMatchObject({
    name: "SealbaseRefusal",
    code: "action/entry_missing",
    status: 404,
    facts: { id },
  });
});

it("walks a list over its pages", async () => {
  const walked: string[] = [];
  for await (const { id } of eachItem(client.ledger.entry.list, { limit: 1 })) walked.push(id);
  // Newest first: what was sealed meanwhile stands before what was walked.
  const { items } = await client.ledger.entry.list({ limit: 200 });
  expect(items.slice(-walked.length).map(({ id }) => id)).toEqual(walked);
  expect(walked.length).toBeGreaterThan(1);
});

it("follows the project, and goes on after any offset", async () => {
  const watched = client.feed.event.watch({ channels: ["scores"], after: "0.0", events_max: 2 });
  const offsets: string[] = [];
  for await (const { offset, channel } of watched) if (channel === "scores") offsets.push(offset);
  expect(offsets).toHaveLength(2);
  const rest = client.feed.event.watch({ channels: ["scores"], after: offsets[0]!, events_max: 1 });
  for await (const { offset, channel } of rest)
    if (channel === "scores") expect(offset).toBe(offsets[1]);
});

it("with verify: always, gives only writes whose receipts prove them", async () => {
  const { keys } = await client.ledger.checkpoint.get();
  const careful = (logKeys: readonly string[]) =>
    new SealbaseClient({
      url,
      key: system.home.key,
      verify: "always",
      verification: { verifier, logKeys },
    });
  const idempotencyKey = crypto.randomUUID();
  const call = () => careful(keys).risk.transaction.assess(PAYMENT, { idempotencyKey });
  const assessed = await call();
  expect(assessed.level).toBe("LOW");
  expect(await call()).toEqual(assessed);
  const other = await system.project();
  const { body } = await other.call("GET", "/v1/ledger/checkpoint");
  expect(body?.code).toBe("action/no_checkpoint");
  await other.call("POST", "/v1/risk/transactions", PAYMENT);
  const foreign = (await other.call("GET", "/v1/ledger/checkpoint")).body.keys;
  await expect(careful(foreign).risk.transaction.assess(PAYMENT)).rejects.toMatchObject({
    name: "SealbaseUnverified",
    receipt: expect.stringContaining("c2sp.org/tlog-proof@v1"),
  });
});
