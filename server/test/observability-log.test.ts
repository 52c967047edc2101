import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query } from "#kernel/db.ts";
import { openLog } from "#kernel/log.ts";
import { openSlow } from "#kernel/log-slow.ts";
import { STEPS } from "#kernel/refusal.ts";
import { type Json, linesInto, type Observed, openObserved } from "./observed.ts";

describe("a secret is not logged", () => {
  const logged = (value: object): string => {
    const lines: Json[] = [];
    openLog("info", linesInto(lines)).info(value, "message");
    return JSON.stringify(lines[0]);
  };
  const deep = (value: unknown, levels: number): unknown =>
    levels === 0 ? value : { inner: [deep(value, levels - 1)] };

  test.each([
    "authorization",
    "Authorization",
    "proxy-authorization",
    "cookie",
    "Set-Cookie",
    "password",
    "secret",
    "client_secret",
    "token",
    "refreshToken",
    "key",
    "api_key",
    "apiKey",
    "privateKey",
    "SEALBASE_MASTER_KEY",
    "databaseUrl",
    "DATABASE_URL",
  ])("named %s, at any depth", (name) => {
    for (const levels of [0, 1, 3]) {
      const line = logged(deep({ [name]: "hush", beside: "shown" }, levels) as object);
      expect(line).toContain('"[Redacted]"');
      expect(line).toContain("shown");
      expect(line).not.toContain("hush");
    }
  });

  test("that an error carries", () => {
    const error = Object.assign(new Error("failed"), {
      config: { headers: { authorization: "hush" } },
    });
    for (const line of [logged({ err: error }), logged({ nested: { cause: error } })]) {
      expect(line).toContain("failed");
      expect(line).toContain("[Redacted]");
      expect(line).not.toContain("hush");
    }
  });

  test("and what is not one stays, whatever its shape", () => {
    const circle: Record<string, unknown> = { at: new Date(0), list: [1, null], masterKey: "file" };
    circle["self"] = circle;
    const line = logged(circle);
    expect(line).toContain("1970-01-01T00:00:00.000Z");
    expect(line).toContain('"list":[1,null]');
    expect(line).toContain('"masterKey":"file"');
  });
});

describe("what is slow is logged", () => {
  let system: Observed;
  beforeAll(async () => {
    system = await openObserved({ slowCall_ms: 0, slowQuery_ms: 100 });
  });
  afterAll(() => system.stop());

  const linesOf = (request_id: string) =>
    system.lines.filter((line) => line.request_id === request_id);
  const payment = (amount_cents: number) => ({
    type: "PAYMENT",
    amount_cents,
    origin_account: "A",
    destination_account: "B",
  });

  test("a call: what, whose, how long, in which steps", async () => {
    const headers = { "x-request-id": "slow-1" };
    const answer = await system.call("POST", "/v1/risk/transactions", payment(100), headers);
    const [line] = linesOf("slow-1");
    expect(line).toEqual({
      level: 40,
      time: expect.any(String),
      msg: "slow call",
      operation: "risk.transaction.assess",
      request_id: "slow-1",
      call_id: answer.headers.get("sealbase-call"),
      outcome: "done",
      duration_ms: expect.any(Number),
      steps_ms: Object.fromEntries(STEPS.map((step) => [step, expect.any(Number)])),
    });
    expect(line.duration_ms).toBeGreaterThanOrEqual(line.steps_ms.seal);
  });

  test("a refused one, with its code", async () => {
    const headers = { "x-request-id": "slow-2" };
    const answer = await system.call("POST", "/v1/risk/transactions", payment(1e9 + 1), headers);
    expect(linesOf("slow-2")).toMatchObject([
      { outcome: "policy/denied", call_id: answer.headers.get("sealbase-call") },
    ]);
  });

  test("a statement, with the request that it is for and without its parameters", async () => {
    const scope = { role: "reader", tenantId: null, requestId: "slow-3" } as const;
    await system.parts.db.transaction(scope, (tx) =>
      query(tx, "select pg_sleep(0.15),\n      $1::text as secret", ["hush"]),
    );
    expect(linesOf("slow-3")).toEqual([
      {
        level: 40,
        time: expect.any(String),
        msg: "slow statement",
        request_id: "slow-3",
        duration_ms: expect.any(Number),
        statement: "select pg_sleep(0.15), $1::text as secret",
      },
    ]);
    expect(JSON.stringify(system.lines)).not.toContain("hush");
  });

  test("one that fails or is very long, too, shortened", async () => {
    const scope = { role: "reader", tenantId: null, requestId: "slow-4" } as const;
    const work = system.parts.db.transaction(scope, (tx) =>
      query(
        tx,
        `with nap as materialized (select pg_sleep(0.15)) select 1 / (random() * 0)::int, '${"x".repeat(2_000)}' from nap`,
      ),
    );
    await expect(work).rejects.toThrow(/division by zero/);
    const [line] = linesOf("slow-4");
    expect(line?.statement ?? "").toMatch(/^with nap.*x…$/);
    expect(line.statement.length).toBeLessThan(1_100);
  });

  test("and nothing that took no longer than its limit", () => {
    const lines: Json[] = [];
    const limits = { call_ms: 1_000, statement_ms: 500 };
    const slow = openSlow(openLog("warn", linesInto(lines)), limits);
    const call = () => ({
      operation: "o",
      requestId: "r",
      callId: undefined,
      outcome: "done",
      steps_ms: {},
    });
    for (const ms of [1_000, 1_001]) slow.call(ms, call);
    for (const ms of [500, 501]) slow.statement(ms, "select 1", undefined);
    expect(lines.map(({ msg, duration_ms }) => [msg, duration_ms])).toEqual([
      ["slow call", 1_001],
      ["slow statement", 501],
    ]);
  });
});
