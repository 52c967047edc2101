import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestSystem, payment, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => { system = await openTestSystem(); });
afterAll(() => system.stop());
test("x", async () => {
  const a = await system.home.call("POST", "/v1/risk/transactions", payment());
  expect(a).toMatchObject({ status: 201 });
  console.log(a);
});
