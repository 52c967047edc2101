import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { verifyReceipt } from "#verifier";
import { eachItem, SealbaseClient } from "../../../sdk/src/index.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
let client: SealbaseClient;

beforeAll(async () => {
  system = await openTestSystem();
  await system.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = system.app.server.address() as AddressInfo;
  client = new SealbaseClient({ url: `http://127.0.0.1:${port}`, key: system.home.key });
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
  expect(verifyReceipt(receipt, keys)).toMatchObject({ ok: true, index: meta.entry!.index });
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
