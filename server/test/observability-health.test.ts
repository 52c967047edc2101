import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BACKLOG_ENTRIES_MAX,
  BACKLOG_LAG_MAX_S,
  healthOf,
  POOL_WAIT_MAX_S,
} from "#kernel/health.ts";
import type { State } from "#kernel/metrics-state.ts";
import { shared } from "#kernel/shared.ts";
import { type Observed, openObserved } from "./observed.ts";

const WELL: State = {
  connections: { max: 10, used: 10, idle: 0, waiting: 3, waiting_s: POOL_WAIT_MAX_S },
  engineError: undefined,
  refusedLogs: [],
  backlog: { entries: BACKLOG_ENTRIES_MAX, lag_s: BACKLOG_LAG_MAX_S },
};

describe("health is", () => {
  test.each<[string, Partial<State>, string, string[]]>([
    ["ok at every limit", {}, "ok", []],
    ["ok when the backlog is not known", { backlog: undefined }, "ok", []],
    ["down without the engine", { engineError: "gone" }, "down", ["engine: gone"]],
    [
      "degraded when transactions wait long for a connection",
      { connections: { ...WELL.connections, waiting_s: POOL_WAIT_MAX_S + 1 } },
      "degraded",
      ["pool: all 10 connections are in use, and 3 transactions wait (somebody for 6 s)"],
    ],
    [
      "degraded when many entries wait",
      { backlog: { entries: BACKLOG_ENTRIES_MAX + 1, lag_s: 0 } },
      "degraded",
      ["sequencer: 20001 entries wait for a place (limit 20000)"],
    ],
    [
      "degraded when entries wait long",
      { backlog: { entries: 1, lag_s: BACKLOG_LAG_MAX_S + 1 } },
      "degraded",
      ["sequencer: the oldest entry without a checkpoint is 31 s old (limit 30)"],
    ],
    [
      "degraded by a log, and down by the engine beside it",
      { engineError: "gone", refusedLogs: [{ log: "log/1", reason: "seal/x" }] },
      "down",
      ["engine: gone", "log/1: seal/x"],
    ],
  ])("%s", (_, change, state, reasons) => {
    expect(healthOf({ ...WELL, ...change })).toMatchObject({ state, reasons });
  });
});

test("who asks while an answer is on its way gets that one; who asks later, another", async () => {
  let asked = 0;
  const ask = shared(async () => {
    await sleep(10);
    return ++asked;
  }, 20);
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
  expect(await ask()).toBe(1);
  await sleep(30);
  expect(await ask()).toBe(2);
});

describe("a running server", () => {
  let system: Observed;
  beforeAll(async () => {
    system = await openObserved({});
  });
  afterAll(() => system.stop());

  const PAYMENT = {
    type: "PAYMENT",
    amount_cents: 100,
    origin_account: "A",
    destination_account: "B",
  };
  const gauge = async (name: string): Promise<number> => {
    const { text } = await system.get("/metrics");
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  };
  const names = (body: { dependencies: { name: string }[] }) =>
    body.dependencies.map(({ name }) => name);

  test("is ready, and says of what that is made", async () => {
    const { status, body } = await system.get("/readyz");
    expect([status, body.ready, body.state, body.reasons]).toEqual([200, true, "ok", []]);
    expect(names(body)).toEqual(["engine", "pool", "sequencer"]);
  });

  test("counts requests by what was routed, not by what was asked", async () => {
    await system.call("POST", "/v1/risk/transactions", PAYMENT);
    for (const path of ["/a", "/b"]) await system.call("GET", path);
    const { text } = await system.get("/metrics");
    const counts = text.match(/^http_server_request_duration_seconds_count\{.*$/gm)!;
    expect(counts).toContain(
      'http_server_request_duration_seconds_count{http_request_method="POST",http_route="/v1/risk/transactions",http_response_status_code="201",operation="risk.transaction.assess"} 1',
    );
    expect(counts).toContain(
      'http_server_request_duration_seconds_count{http_request_method="GET",http_route="",http_response_status_code="404",operation=""} 2',
    );
    expect(text).toMatch(
      /^db_client_operation_duration_seconds_count\{db_system_name="postgresql",db_operation_name="writer transaction",error_type=""\} \d+$/m,
    );
  });

  test("with all its connections in use is not down, and shows who waits", async () => {
    const { pool } = system.parts.db;
    const held = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
    const waiting = pool.connect();
    await sleep(600); // what was seen before is forgotten
    const { status, body } = await system.get("/readyz");
    expect([status, body.state]).toEqual([200, "ok"]);
    // The sequencer may have joined the queue.
    expect(await gauge("db_client_connection_pending_requests")).toBeGreaterThanOrEqual(1);
    expect(await gauge('db_client_connection_count\\{db_client_connection_state="used"\\}')).toBe(
      10,
    );
    for (const client of held) client.release();
    (await waiting).release();
  });

  test("stays ready when a log is refused, names it, and shows what it leaves waiting", async () => {
    const other = await system.project();
    await system.sql("update ledger.heads set size = 5, hashes = '{}' where tenant_id = $1", [
      other.projectId,
    ]);
    const headers = { authorization: `Bearer ${other.key}` };
    const refused = await system.call("POST", "/v1/risk/transactions", PAYMENT, headers);
    expect(refused.status).toBe(503);
    await sleep(600);
    const { status, body } = await system.get("/readyz");
    expect([status, body.ready, body.state]).toEqual([200, true, "degraded"]);
    expect(body.dependencies).toContainEqual({
      name: `log/${other.projectId}`,
      state: "degraded",
      reason: expect.stringMatching(/^seal\/log_/),
    });
    expect(await gauge("sealbase_logs_refused")).toBe(1);
    expect(await gauge("sealbase_ledger_pending_entries")).toBe(1);
    expect(await gauge("sealbase_ledger_lag_seconds")).toBeGreaterThan(0.5);
    expect((await system.call("POST", "/v1/risk/transactions", PAYMENT)).status).toBe(201);
  });

  // Last: it does not come back.
  test("without PostgreSQL lives and is not ready", async () => {
    await system.cluster.stop();
    await sleep(600);
    const { status, body } = await system.get("/readyz");
    expect([status, body.ready, body.state]).toEqual([503, false, "down"]);
    expect(body.reasons[0]).toMatch(/^engine: ./);
    expect((await system.get("/livez")).status).toBe(200);
    expect(await gauge("sealbase_engine_up")).toBe(0);
    expect(await gauge("sealbase_ledger_lag_seconds")).toBeNaN();
  });
});
