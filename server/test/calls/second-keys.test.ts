import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseNote, verifyCheckpoint, verifyReceipt } from "#verifier";
import { mlDsaVerifier } from "#verifier/ml-dsa";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";

/** Checkpoints with a second signature, ML-DSA-44, where it is configured. */
let system: TestSystem;
let caller: Caller;
beforeAll(async () => {
  system = await openTestSystem({ logMlDsa: true });
  caller = await system.project();
});
afterAll(() => system.stop());

const head = async (of: Caller) => {
  const paid = await of.call("POST", "/v1/risk/transactions", payment());
  const { body } = await of.call("GET", "/v1/ledger/checkpoint");
  return { ...body, id: paid.body.id, lines: parseNote(body.checkpoint).signatures.length };
};

describe("a log with a second key", () => {
  test("signs with both, and each of them verifies", async () => {
    const { checkpoint, keys, second_keys, lines, id } = await head(caller);
    expect([lines, keys.length, second_keys.length]).toEqual([2, 1, 1]);
    const second = mlDsaVerifier(second_keys[0]);
    expect(verifyCheckpoint(checkpoint, [...keys, second])).toMatchObject({
      ok: true,
      keys: { length: 2 },
    });
    const { receipt } = (await caller.call("GET", `/v1/ledger/entries/${id}/receipt`)).body;
    expect(verifyReceipt(receipt, [second])).toMatchObject({ ok: true });
    expect(verifyReceipt(receipt, keys)).toMatchObject({ ok: true });
  });

  test("keeps its key from one server to the next, also where nothing is configured", async () => {
    const { second_keys } = await head(caller);
    const other = await system.another({ logMlDsa: undefined });
    const found = await head(other.as(caller.key));
    expect([found.lines, found.second_keys]).toEqual([2, second_keys]);
    const without = await system.another({ logMlDsa: false });
    // Whichever of the servers is quickest signs; the one alone has its way.
    expect((await head(without.as(caller.key))).second_keys).toEqual(second_keys);
  });

  test("whose second signature was changed in the database does not verify", async () => {
    await head(caller);
    const verify = async () => (await caller.call("POST", "/v1/ledger/verify")).body;
    expect((await verify()).valid).toBe(true);
    await system.sql(
      `update ledger.checkpoints set note = overlay(note placing 'AAAA' from length(note) - 100) where tenant_id = $1
         and size = (select max(size) from ledger.checkpoints where tenant_id = $1 and length(note) > 2000)`,
      [caller.projectId],
    );
    const { valid, findings } = await verify();
    expect([valid, findings[0].kind]).toEqual([false, "checkpoint_forged"]);
  });
});

test("a log without one signs once", async () => {
  const plain = await openTestSystem();
  try {
    expect(await head(plain.home)).toMatchObject({ lines: 1, second_keys: [] });
  } finally {
    await plain.stop();
  }
});
