import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "#verifier";
import { activatePolicies } from "../policies.ts";
import {
  type Answer,
  type Caller,
  openTestSystem,
  payment,
  sealedEntries,
  type TestSystem,
} from "../system.ts";

const NIGHTLY = process.env["SEALBASE_NIGHTLY"] === "1";
const CALLERS = 50;
const CALLS = NIGHTLY ? 200 : 4;
/** Of a longer log this many receipts are checked, spread over it; verification covers all of it. */
const RECEIPTS_MAX = 500;

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const pay = (caller: Caller, headers = {}) =>
  caller.call("POST", "/v1/risk/transactions", payment(), headers);

/** Each caller makes its calls one after the other, all callers at once. */
async function crowd(callers: readonly Caller[], calls: number, each = pay): Promise<Answer[]> {
  const answers = await Promise.all(
    callers.map(async (caller) => {
      const own: Answer[] = [];
      for (let i = 0; i < calls; i++) own.push(await each(caller));
      return own;
    }),
  );
  return answers.flat();
}

/** One log without fork or gap, in which every answer has the place that it was told. */
async function checkLog(projectId: string, answers: readonly Answer[]): Promise<void> {
  expect([...new Set(answers.map(({ status }) => status))]).toEqual([201]);
  const entries = await sealedEntries(system, projectId);
  expect(entries.map(({ index }) => index)).toEqual(entries.map((_, i) => i));
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  const places = new Map(entries.map(({ id, index }) => [id, index]));
  for (const { headers } of answers) {
    const told = /^index=(\d+), size=(\d+)$/.exec(headers["sealbase-entry"] ?? "");
    expect(Number(told?.[1])).toBe(places.get(headers["sealbase-call"]!));
    expect(Number(told?.[2])).toBeGreaterThan(Number(told?.[1]));
  }
}

async function checkReceipts(caller: Caller): Promise<void> {
  const { keys, size } = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
  const entries = await sealedEntries(system, caller.projectId);
  expect(size).toBe(entries.length);
  // These many reads are sealed by entries of their own: the log may grow while it is checked.
  const step = Math.ceil(entries.length / RECEIPTS_MAX);
  for (const { id, index } of entries.filter((_, place) => place % step === 0)) {
    const { receipt } = (await caller.call("GET", `/v1/ledger/entries/${id}/receipt`)).body;
    const verified = verifyReceipt(receipt, keys);
    expect(verified).toMatchObject({ ok: true, index });
    expect(verified.ok && verified.size).toBeGreaterThanOrEqual(size);
  }
  const report = (await caller.call("POST", "/v1/ledger/verify")).body;
  expect(report).toMatchObject({ valid: true, findings: [] });
  expect(report.entries).toBeGreaterThanOrEqual(size);
}

test("a crowd makes one log, and every receipt holds", async () => {
  const caller = await system.project();
  const answers = await crowd(
    Array.from({ length: CALLERS }, () => caller),
    CALLS,
  );
  expect(answers).toHaveLength(CALLERS * CALLS);
  await checkLog(caller.projectId, answers);
  await checkReceipts(caller);
});

test("two systems on one database make one log, and every call is published", async () => {
  const caller = await system.project();
  const other = await system.another();
  const ways = Array.from({ length: 20 }, (_, i) =>
    i % 2 === 0 ? caller : other.as(caller.key, caller.projectId),
  );
  const answers = await crowd(ways, CALLS);
  await checkLog(caller.projectId, answers);
  await checkReceipts(caller);
});

test("projects at once have a log each", async () => {
  const callers = await Promise.all(Array.from({ length: 5 }, () => system.project()));
  await crowd(
    callers.flatMap((caller) => [caller, caller, caller]),
    CALLS,
  );
  for (const { projectId } of callers)
    expect((await sealedEntries(system, projectId)).map(({ index }) => index)).toEqual(
      Array.from({ length: 3 * CALLS }, (_, i) => i),
    );
});

test("a system that has just started takes more transactions at once than it has connections", async () => {
  const other = await system.another();
  const since = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      other.home.call("POST", "/v1/service-accounts", { name: `cold-${i}` }),
    ),
  );
  expect([...new Set(answers.map(({ status }) => status))]).toEqual([201]);
  expect(performance.now() - since).toBeLessThan(8_000);
});

test("a log that grows meanwhile verifies at any time", async () => {
  const caller = await system.project();
  let growing = true;
  const grow = crowd([caller, caller, caller], 60).finally(() => {
    growing = false;
  });
  const found: unknown[] = [];
  while (growing) {
    const { body } = await caller.call("POST", "/v1/ledger/verify");
    if (!body.valid) found.push(body.findings);
  }
  await grow;
  expect(found).toEqual([]);
});

test("changes of policy in the middle of a crowd decide every call by one version or the other", async () => {
  const caller = await system.project();
  const { document } = (await caller.call("GET", "/v1/policies/default")).body;
  const until = { done: false };
  const changes = (async () => {
    for (let i = 0; i < 5; i++) expect((await activatePolicies(caller, document)).status).toBe(200);
    until.done = true;
  })();
  const answers = await crowd([caller, caller, caller, caller], 10);
  await changes;
  expect([...new Set(answers.map(({ status }) => status))]).toEqual([201]);
  const [row] = await system.sql<{ stale: string }>(
    `select count(*) as stale from authz.policy_decisions d left join authz.policy_versions v
       on v.tenant_id = d.tenant_id and v.id = d.policy_version_id where d.tenant_id = $1 and v.id is null`,
    [caller.projectId],
  );
  expect(row!.stale).toBe("0");
});
