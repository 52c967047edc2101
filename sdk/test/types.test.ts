import { describe, expectTypeOf, it } from "vitest";
import { eachItem, type Json, type Result, SealbaseClient } from "../src/index.ts";

/** Nothing here is called: the type check reads it. */
describe("types", () => {
  const client = new SealbaseClient({ url: "http://localhost", key: "sk_" });
  const { assess } = client.risk.transaction;
  type Assessed = Awaited<ReturnType<typeof one>>;
  const payment = {
    type: "TRANSFER",
    amount_cents: 1,
    origin_account: "A",
    destination_account: "B",
  } as const;
  const one = () => assess(payment);
  const many = () => assess([payment]);

  it("give one output for one input, one result an item for an array", () => {
    expectTypeOf<Assessed["score"]>().toEqualTypeOf<number>();
    expectTypeOf(many).returns.resolves.toEqualTypeOf<readonly Result<Assessed>[]>();
  });

  it("give the answer's meta when asked", () => {
    const call = () => client.withMeta.ledger.receipt.get({ id: "" });
    expectTypeOf(call).returns.resolves.toHaveProperty("meta");
    expectTypeOf<Awaited<ReturnType<typeof call>>["output"]["receipt"]>().toEqualTypeOf<string>();
  });

  it("let an input be left out only when it may be empty", () => {
    expectTypeOf(client.controlPlane.me.get).toBeCallableWith();
    expectTypeOf(client.ledger.entry.list).toBeCallableWith();
    // @ts-expect-error: which one?
    const missing = () => client.ledger.entry.get();
    // @ts-expect-error: an amount is missing
    const partial = () => assess({ type: "DEBIT", origin_account: "A", destination_account: "B" });
    // @ts-expect-error: no such type
    const unknown = () => assess({ ...payment, type: "GIFT" });
    // @ts-expect-error: it takes one at a time
    const array = () => client.ledger.log.verify([]);
    void [missing, partial, unknown, array];
  });

  it("know the items of a list, and that any JSON may be in some", () => {
    const entries = () => eachItem(client.ledger.entry.list, { limit: 1 });
    type Entry = ReturnType<typeof entries> extends AsyncGenerator<infer Item> ? Item : never;
    expectTypeOf<Entry["payload"]>().toEqualTypeOf<Json>();
    // @ts-expect-error: not an input of this list
    const wrong = () => eachItem(client.ledger.entry.list, { outcome: "deny" });
    void wrong;
  });
});
