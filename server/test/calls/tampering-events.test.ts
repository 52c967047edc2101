import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Dispatcher, enqueue, type Handler, JobFailed } from "#domains/ops";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

// Security events and jobs: what someone was told, and what came of work beside the calls.
let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  // Policies that keep nothing let retention take what was written just now.
  await system.sql(
    "alter table ops.retention_policies drop constraint retention_policies_keep_days_check",
  );
});
afterAll(() => system.stop());

const RISKY = payment({ amount_cents: 2_000_000_000 });
const forged = (key: string) => `${key.slice(0, -2)}${key.endsWith("AA") ? "BB" : "AA"}`;

const HANDLERS: Record<string, Handler> = {
  told: () =>
    Promise.resolve({
      result: { valid: false, ratio: 0.25 },
      event: { kind: "log_invalid", severity: "critical", facts: { more: 1 } },
    }),
  hopeless: () => Promise.reject(new JobFailed("x".repeat(2_000), { final: true })),
  twice: ({ attempt }) =>
    attempt === 1
      ? Promise.reject(new JobFailed("no", { final: true }))
      : Promise.resolve({ result: [attempt] }),
};

/** Jobs of these topics, one after the other, each once it has ended. */
async function jobs(caller: Caller, ...topics: string[]): Promise<string[]> {
  const { projectId: tenantId } = caller;
  const ids: string[] = [];
  for (const topic of topics) {
    const job = await system.parts.db.transaction({ role: "writer", tenantId }, (tx) =>
      enqueue(tx, tenantId, { topic, payload: {} }),
    );
    await ended(caller, job.id);
    ids.push(job.id);
  }
  return ids;
}

async function ended(caller: Caller, id: string): Promise<void> {
  const dispatcher = new Dispatcher(system.parts, HANDLERS);
  dispatcher.start();
  while ((await caller.call("GET", `/v1/jobs/${id}`)).body.finished_at === null);
  await dispatcher.stop();
}

/** A project with a refusal, a forged key, a job that told of something and one that was given up, at the places 0 to 3. */
async function logOf(): Promise<Caller> {
  const caller = await system.project();
  expect((await caller.call("POST", "/v1/risk/transactions", RISKY)).status).toBe(403);
  await system.as(forged(caller.key)).call("GET", "/v1/me");
  while ((await sealedEntries(system, caller.projectId)).length < 2);
  await jobs(caller, "told", "hopeless");
  const entries = await sealedEntries(system, caller.projectId);
  expect(entries.map(({ kind }) => kind)).toEqual(["refusal", "event", "job", "job"]);
  expect(await findings(caller)).toEqual([]);
  return caller;
}

async function findings(caller: Caller): Promise<[string, number | null][]> {
  // What has no place yet is not looked at.
  await sealedEntries(system, caller.projectId);
  const { body } = await caller.call("POST", "/v1/ledger/verify");
  expect(body.valid).toBe(body.findings.length === 0);
  return body.findings.map(({ kind, at }: { kind: string; at: number | null }) => [kind, at]);
}

const tampered = (caller: Caller, statement: string) => system.sql(statement, [caller.projectId]);
const idAt = (index: number) =>
  `(select id from ledger.entries e where e.tenant_id = $1 and e.index = ${index})`;
const jobAt = (index: number) =>
  `(select (p.payload::jsonb #>> '{job,id}')::uuid from ledger.payloads p where p.tenant_id = $1 and p.entry_id = ${idAt(index)})`;

describe("verification finds an edit of", () => {
  test.each([0, 1, 2])("the security event of entry %d", async (index) => {
    const caller = await logOf();
    const where = `tenant_id = $1 and id = ${idAt(index)}`;
    const edits: [string, string][] = [
      ["kind", "'other'"],
      ["severity", "'info'"],
      ["actor", "'ServiceAccount:other'"],
      ["request_id", "'other'"],
      ["decision_id", index === 0 ? "null" : "id"],
      ["facts", "'{}'"],
      ["facts", "'no json'"],
      ["created_at", "created_at - interval '1 day'"],
    ];
    for (const [column, value] of edits) {
      const [before] = await system.sql<{ value: string | null }>(
        `select ${column}::text as value from telemetry.security_events where ${where}`,
        [caller.projectId],
      );
      const set = (to: string) =>
        tampered(caller, `update telemetry.security_events set ${column} = ${to} where ${where}`);
      await set(value);
      expect([column, await findings(caller)]).toEqual([column, [["event_changed", index]]]);
      await set(before!.value === null ? "null" : `'${before!.value}'`);
    }
    expect(await findings(caller)).toEqual([]);
  });

  test.each([2, 3])("the job of entry %d", async (index) => {
    const caller = await logOf();
    const where = `tenant_id = $1 and id = ${jobAt(index)}`;
    const edits: [string, string][] = [
      ["topic", "'other'"],
      ["status", index === 2 ? "'given_up'" : "'done'"],
      ["attempts", "attempts + 1"],
      ["error", index === 2 ? "'it failed'" : "null"],
      ["error", "'x'"],
      ["result", `'{"valid":true,"forged":1}'`],
      ["result", "'no json'"],
      ["result", index === 2 ? "null" : "'null'"],
    ];
    // A result that says null and none are the same to everybody who reads it.
    for (const [column, value] of edits.slice(0, index === 2 ? undefined : -1)) {
      const [before] = await system.sql<{ value: string | null }>(
        `select ${column}::text as value from ops.outbox where ${where}`,
        [caller.projectId],
      );
      const set = (to: string) =>
        tampered(caller, `update ops.outbox set ${column} = ${to} where ${where}`);
      await set(value);
      expect([column, await findings(caller)]).toEqual([column, [["job_changed", index]]]);
      await set(before!.value === null ? "null" : `'${before!.value}'`);
    }
    expect(await findings(caller)).toEqual([]);
  });
});

const COPY = `insert into telemetry.security_events select (jsonb_populate_record(v, jsonb_build_object('id', `;
const OF = `))).* from telemetry.security_events v where tenant_id = $1 and v.id = ${idAt(0)}`;

const RUN = (table: string, before: string) =>
  `insert into ops.retention_runs values ($1, gen_random_uuid(), gen_random_uuid(), '${table}', ${before}, 1, 'done', null, now())`;

describe("verification finds", () => {
  test.each<[string, string, [string, number | null]]>([
    [
      "a refusal that nobody was told of",
      `delete from telemetry.security_events where tenant_id = $1 and id = ${idAt(0)}`,
      ["event_missing", 0],
    ],
    [
      "a forged key that nobody was told of",
      `delete from telemetry.security_events where tenant_id = $1 and id = ${idAt(1)}`,
      ["event_missing", 1],
    ],
    [
      "what a job told of, gone",
      `delete from telemetry.security_events where tenant_id = $1 and id = ${idAt(2)}`,
      ["event_missing", 2],
    ],
    [
      "an event that nothing was sealed of",
      `${COPY}'${randomUUID()}'${OF}`,
      ["row_unsealed", null],
    ],
    ["an event of an entry that tells of none", `${COPY}${idAt(3)}${OF}`, ["event_changed", 3]],
    [
      "a job that is gone",
      `delete from ops.outbox where tenant_id = $1 and id = ${jobAt(3)}`,
      ["job_missing", 3],
    ],
    [
      "a finished job that nothing was sealed of",
      `insert into ops.outbox (tenant_id, id, topic, payload, status, attempts, result, finished_at)
         values ($1, '${randomUUID()}', 'ledger.audit', '{}', 'done', 1, '{"valid":true}', now())`,
      ["row_unsealed", null],
    ],
  ])("%s", async (_, statement, finding) => {
    const caller = await logOf();
    await tampered(caller, statement);
    expect(await findings(caller)).toEqual([finding]);
  });

  test.each([
    ["an event", "telemetry.security_events", idAt(0), "event_missing", 0],
    ["a job", "ops.outbox", jobAt(3), "job_missing", 3],
  ])("%s that is younger than what retention took", async (_, table, id, kind, index) => {
    const caller = await logOf();
    await tampered(caller, `delete from ${table} where tenant_id = $1 and id = ${id}`);
    await tampered(caller, RUN(table, "now() - interval '1 hour'"));
    await tampered(
      caller,
      RUN(table === "ops.outbox" ? "telemetry.security_events" : "ops.outbox", "now()"),
    );
    expect(await findings(caller)).toEqual([[kind, index]]);
    await tampered(caller, RUN(table, "now()"));
    expect(await findings(caller)).toEqual([]);
  });

  test("a job that was done at a retry, set back to how it was before", async () => {
    const caller = await system.project();
    const [id] = await jobs(caller, "twice");
    const columns = "status, attempts, error, result";
    const [before] = await system.sql<Record<string, unknown>>(
      `select ${columns} from ops.outbox where id = $1`,
      [id],
    );
    await caller.call("POST", `/v1/jobs/${id}/retry`, {});
    await ended(caller, id!);
    expect(await findings(caller)).toEqual([]);
    await system.sql(`update ops.outbox set (${columns}) = row ($2, $3, $4, $5) where id = $1`, [
      id,
      ...Object.values(before!),
    ]);
    expect(await findings(caller)).toEqual([["job_changed", 2]]);
  });

  test("a job that was cancelled while it waited, and is said to be done", async () => {
    const caller = await system.project();
    const id = await cancelled(caller);
    expect(await findings(caller)).toEqual([]);
    await system.sql(`update ops.outbox set status = 'done', result = '{}' where id = $1`, [id]);
    expect(await findings(caller)).toEqual([["job_changed", 0]]);
  });
});

async function cancelled(caller: Caller): Promise<string> {
  const { projectId: tenantId } = caller;
  const { id } = await system.parts.db.transaction({ role: "writer", tenantId }, (tx) =>
    enqueue(tx, tenantId, { topic: "told", payload: {} }),
  );
  expect((await caller.call("POST", `/v1/jobs/${id}/cancel`, {})).body.status).toBe("cancelled");
  return id;
}

describe("what is normal stays valid:", () => {
  test("jobs that were retried, cancelled, retried and cancelled", async () => {
    const caller = await system.project();
    const [id] = await jobs(caller, "twice");
    for (const then of ["retry", "cancel", "retry"]) {
      expect((await caller.call("POST", `/v1/jobs/${id}/${then}`, {})).status).toBe(200);
      expect(await findings(caller)).toEqual([]);
    }
    await ended(caller, id!);
    await cancelled(caller);
    expect(await findings(caller)).toEqual([]);
  });

  test("refusals, suspicions, agents, webhooks, key rotation, retention", async () => {
    const caller = await system.project();
    system.work();
    let answer = 500;
    const receiver = createServer((_, response) => {
      response.writeHead(answer).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    const hook = await caller.call("POST", "/v1/webhooks", { url, channels: ["scores"] });
    expect(hook.status).toBe(201);
    await caller.call("POST", "/v1/risk/transactions", payment());
    await caller.call("POST", "/v1/risk/transactions", RISKY);

    // The next attempt is the last: given up, given up again, then done.
    const settled = async (status: string) => {
      for (;;) {
        await system.sql(
          `update ops.outbox set due_at = now(), attempts_max = attempts + 1
           where tenant_id = $1 and topic = 'webhook.deliver' and status = 'waiting'`,
          [caller.projectId],
        );
        const { body } = await caller.call("GET", "/v1/jobs?topic=webhook.deliver");
        const first = body.items.at(-1);
        if (first?.status === status) return first.id as string;
      }
    };
    const delivery = await settled("given_up");
    expect(await findings(caller)).toEqual([]);
    await caller.call("POST", `/v1/jobs/${delivery}/retry`, {});
    await settled("given_up");
    answer = 200;
    await caller.call("POST", `/v1/jobs/${delivery}/retry`, {});
    await settled("done");
    expect(await findings(caller)).toEqual([]);

    const session = await caller.call("POST", "/v1/agent-sessions", { name: "agent", writes: [] });
    const agent = system.as(session.body.key, caller.projectId);
    expect((await agent.call("POST", "/v1/ledger/audits", {})).status).toBe(403);
    expect((await caller.call("GET", `/v1/jobs/${randomUUID()}`)).status).toBe(404);
    await system.as(forged(caller.key)).call("GET", "/v1/me");
    const account = await caller.call("POST", "/v1/service-accounts", { name: "a" });
    const make = (more: object = {}) =>
      caller.call("POST", "/v1/api-keys", {
        service_account_id: account.body.id,
        name: "k",
        ...more,
      });
    const revoked = (await make()).body;
    await caller.call("DELETE", `/v1/api-keys/${revoked.id}`);
    const expired = (await make({ expires_at: new Date(Date.now() - 1_000).toISOString() })).body;
    for (const { key } of [revoked, expired])
      expect((await system.as(key).call("GET", "/v1/me")).status).toBe(401);
    const denied = (await make()).body;
    const other = system.as(denied.key, caller.projectId);
    expect((await other.call("GET", "/v1/jobs")).status).toBe(403);
    expect((await other.call("POST", "/v1/risk/transactions", payment())).status).toBe(403);

    const run = async (topic: string) => {
      await system.sql(
        "update ops.schedules set next_at = now(), enabled = true where tenant_id = $1 and topic = $2",
        [caller.projectId, topic],
      );
      for (;;) {
        const { body } = await caller.call("GET", `/v1/jobs?topic=${topic}`);
        if (body.items[0]?.finished_at) return expect(body.items[0].status).toBe("done");
      }
    };
    await run("security.rotate-log-key");
    await run("ledger.audit");
    expect(await findings(caller)).toEqual([]);

    for (const table of ["telemetry.security_events", "ops.outbox"])
      await caller.call("POST", "/v1/retention-policies", { table, keep_days: 1 });
    await system.sql("update ops.retention_policies set keep_days = 0 where tenant_id = $1", [
      caller.projectId,
    ]);
    await run("ops.retain");
    const [left] = await system.sql<{ count: string }>(
      "select count(*) from telemetry.security_events where tenant_id = $1",
      [caller.projectId],
    );
    expect(left?.count).toBe("0");
    await caller.call("POST", "/v1/risk/transactions", RISKY);
    expect(await findings(caller)).toEqual([]);
    receiver.close();
  });
});
