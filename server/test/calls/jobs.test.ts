import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Dispatcher, enqueue, type Handler, JobFailed } from "#domains/ops";
import { leaveDrift } from "../drift.ts";
import type { Json } from "../previews.ts";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";

let system: TestSystem;

beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

/** A dispatcher of its own for some handlers. */
async function working<T>(
  handlers: Record<string, Handler>,
  work: (dispatcher: Dispatcher) => Promise<T>,
): Promise<T> {
  const dispatcher = new Dispatcher(system.parts, handlers);
  dispatcher.start();
  try {
    return await work(dispatcher);
  } finally {
    await dispatcher.stop();
  }
}

const ask = (caller: Caller, topic: string, payload: unknown = {}, orderingKey?: string) =>
  system.parts.db.transaction({ role: "writer", tenantId: caller.projectId }, (tx) =>
    enqueue(tx, caller.projectId, {
      topic,
      payload,
      ...(orderingKey === undefined ? {} : { orderingKey }),
    }),
  );

async function until(caller: Caller, id: string, status: string) {
  for (;;) {
    const { body } = await caller.call("GET", `/v1/jobs/${id}`);
    if (body.status === status) return body;
  }
}

describe("jobs", () => {
  test("of one ordering key go one after the other, those of others beside them", async () => {
    const caller = await system.project();
    const order: string[] = [];
    let running = 0;
    let most = 0;
    const handler: Handler = async ({ payload }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(payload as string);
      running--;
      return {};
    };
    const jobs: { id: string }[] = [];
    for (const name of ["a1", "a2", "a3", "a4"]) jobs.push(await ask(caller, "t", name, "a"));
    await working({ t: handler }, () => until(caller, jobs.at(-1)!.id, "done"));
    expect([order, most]).toEqual([["a1", "a2", "a3", "a4"], 1]);
  });

  test("are done by one of two servers, each once", async () => {
    const caller = await system.project();
    const done: string[] = [];
    const handler: Handler = async ({ id }) => {
      done.push(id);
      return {};
    };
    const jobs = await Promise.all(Array.from({ length: 40 }, () => ask(caller, "t")));
    await working({ t: handler }, () =>
      working({ t: handler }, () => Promise.all(jobs.map(({ id }) => until(caller, id, "done")))),
    );
    expect(done.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });

  test("change the database exactly once: with a lost lease nothing that was done counts", async () => {
    const caller = await system.project();
    const effects: string[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let started = () => {};
    const begun = new Promise<void>((resolve) => (started = resolve));
    const effect = (name: string) => async () => void effects.push(name);
    const slow: Handler = async () => {
      started();
      await held;
      return { effect: effect("slow") };
    };
    const job = await ask(caller, "t");
    await working({ t: slow }, async () => {
      await begun;
      await system.sql(
        "update ops.outbox set leased_until = now() - interval '1 minute', leased_by = 'somebody' where id = $1",
        [job.id],
      );
      await working({ t: async () => ({ effect: effect("quick") }) }, () =>
        until(caller, job.id, "done"),
      );
      release();
    });
    expect(effects).toEqual(["quick"]);
    const attempts = await system.sql(
      "select number, outcome from ops.outbox_attempts where outbox_id = $1 order by number",
      [job.id],
    );
    expect(attempts).toEqual([
      { number: 1, outcome: "lease_lost" },
      { number: 2, outcome: "done" },
    ]);
  });

  test("that are cancelled stop, waiting or running, and are sealed as such", async () => {
    const caller = await system.project();
    const waiting = await ask(caller, "t");
    const cancelled = await caller.call("POST", `/v1/jobs/${waiting.id}/cancel`, {});
    expect(cancelled.body.status).toBe("cancelled");
    const handler: Handler = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    const running = await ask(caller, "t");
    await working({ t: handler }, async () => {
      await until(caller, running.id, "running");
      await caller.call("POST", `/v1/jobs/${running.id}/cancel`, {});
      await until(caller, running.id, "cancelled");
    });
    const late = await caller.call("POST", `/v1/jobs/${running.id}/cancel`, {});
    expect([late.status, late.body.code]).toEqual([409, "action/job_finished"]);
    const again = await caller.call("POST", `/v1/jobs/${running.id}/retry`, {});
    expect(again.body.status).toBe("waiting");
  });

  test("of one topic leave places for those of others", async () => {
    const callers = [];
    for (let i = 0; i < 5; i++) callers.push(await system.project());
    const [last, ...busy] = callers.toReversed();
    for (const caller of busy) for (let i = 0; i < 4; i++) await ask(caller, "silent");
    let running = 0;
    let full = () => {};
    const held = new Promise<void>((resolve) => (full = resolve));
    const silent: Handler = ({ signal }) => {
      if (++running === 12) full();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    };
    await working({ silent, quick: () => Promise.resolve({}) }, async () => {
      await held;
      const { id } = await ask(last!, "quick");
      await until(last!, id, "done");
      expect(running).toBe(12);
    });
    for (const { projectId } of busy)
      await system.sql("delete from ops.outbox where tenant_id = $1", [projectId]);
  });

  test("of all projects have their turn", async () => {
    const callers: Caller[] = [];
    for (let i = 0; i < 6; i++) callers.push(await system.project());
    for (const caller of callers) for (let i = 0; i < 12; i++) await ask(caller, `turn-${i % 2}`);
    const started: string[] = [];
    const ends: (() => void)[] = [];
    let heard = () => {};
    const handler: Handler = async ({ tenantId }) => {
      started.push(tenantId);
      heard();
      await new Promise<void>((resolve) => ends.push(resolve));
      return {};
    };
    await working({ "turn-0": handler, "turn-1": handler }, async () => {
      for (let count = 16; count <= 24; count++) {
        while (started.length < count) await new Promise<void>((resolve) => (heard = resolve));
        ends.shift()!();
      }
      expect(new Set(started).size).toBe(6);
      for (const end of ends) end();
    });
    for (const { projectId } of callers)
      await system.sql("delete from ops.outbox where tenant_id = $1", [projectId]);
  });

  test("that are held wait without using up an attempt", async () => {
    const caller = await system.project();
    const { id } = await ask(caller, "t");
    await system.sql("update ops.outbox set attempts_max = 1 where id = $1", [id]);
    let tries = 0;
    const handler: Handler = () => {
      if (++tries < 3) throw new JobFailed("not yet", { held: true, after_ms: 0 });
      return Promise.resolve({});
    };
    const done = await working({ t: handler }, () => until(caller, id, "done"));
    expect([tries, done.attempts]).toEqual([3, 1]);
    const attempts = await system.sql(
      "select number, outcome from ops.outbox_attempts where outbox_id = $1 order by number",
      [id],
    );
    expect(attempts).toEqual([
      { number: 1, outcome: "failed" },
      { number: 2, outcome: "failed" },
      { number: 3, outcome: "done" },
    ]);
  });

  test("of another project are not there", async () => {
    const [one, other] = [await system.project(), await system.project()];
    const { id } = await ask(one, "t");
    for (const path of [`/v1/jobs/${id}/cancel`, `/v1/jobs/${id}/retry`])
      expect((await other.call("POST", path, {})).body.code).toBe("action/job_missing");
    expect((await other.call("GET", `/v1/jobs/${id}`)).status).toBe(404);
    expect((await other.call("GET", "/v1/jobs")).body.items).toEqual([]);
  });
});

describe("scheduled work", () => {
  const due = (caller: Caller, topic: string) =>
    system.sql(
      "update ops.schedules set next_at = now() - interval '3 days', enabled = true where tenant_id = $1 and topic = $2",
      [caller.projectId, topic],
    );
  const finished = async (caller: Caller, topic: string, count = 1) => {
    for (;;) {
      const { body } = await caller.call("GET", `/v1/jobs?topic=${topic}`);
      if (body.items.length === count && body.items[0].finished_at !== null) return body.items;
    }
  };

  test("audits the log: progress and report for who asked, an alarm when the log does not hold", async () => {
    const caller = await system.project();
    system.work();
    await caller.call("POST", "/v1/risk/transactions", payment());
    const started = await caller.call("POST", "/v1/ledger/audits", {});
    expect([started.status, started.headers["location"]]).toEqual([
      202,
      `/v1/jobs/${started.body.id}`,
    ]);
    const good = await until(caller, started.body.id, "done");
    expect([good.progress, good.result.valid]).toEqual([1, true]);
    await system.sql(
      "update vedic.transactions set amount_cents = amount_cents + 1 where tenant_id = $1",
      [caller.projectId],
    );
    await due(caller, "ledger.audit");
    const [bad] = await finished(caller, "ledger.audit", 2);
    expect([bad.result.valid, bad.result.findings[0].kind]).toEqual([false, "subject_changed"]);
    const events = await system.sql<{ kind: string; severity: string }>(
      "select kind, severity from telemetry.security_events where tenant_id = $1",
      [caller.projectId],
    );
    expect(events).toEqual([{ kind: "log_invalid", severity: "critical" }]);
    const { body } = await caller.call("GET", "/v1/schedules");
    const audit = body.items.find(({ topic }: { topic: string }) => topic === "ledger.audit");
    expect(Date.parse(audit.next_at)).toBeGreaterThan(Date.now());
  });

  test("takes away what retention says, and no more; the run is recorded", async () => {
    const caller = await system.project();
    system.work();
    for (let i = 0; i < 2; i++)
      await caller.call("POST", "/v1/risk/transactions", payment({ amount_cents: 2_000_000_000 }));
    await system.sql(
      `update telemetry.security_events set created_at = now() - interval '40 days'
       where tenant_id = $1 and id = (select min(id::text)::uuid from telemetry.security_events where tenant_id = $1)`,
      [caller.projectId],
    );
    const body = { table: "telemetry.security_events", keep_days: 30 };
    expect((await caller.call("POST", "/v1/retention-policies", body)).status).toBe(200);
    await due(caller, "ops.retain");
    const [job] = await finished(caller, "ops.retain");
    expect(job.result).toEqual({
      removed: {
        "authz.drift_first_uses": 0,
        "authz.drift_windows": 0,
        "telemetry.security_events": 1,
      },
    });
    const runs = await system.sql(
      "select table_name, rows_removed::int, outcome from ops.retention_runs where tenant_id = $1",
      [caller.projectId],
    );
    expect(runs).toEqual([
      { table_name: "telemetry.security_events", rows_removed: 1, outcome: "done" },
    ]);
  });

  test("takes away what the watch for drift counted long ago, whole windows with all that hangs on them", async () => {
    const caller = await system.project();
    system.work();
    const { body: kept } = await caller.call("GET", "/v1/retention-policies");
    expect(kept.items.map((one: Json) => [one.table, one.keep_days, one.created_by])).toEqual([
      ["authz.drift_first_uses", 400, "Sealbase:server"],
      ["authz.drift_windows", 400, "Sealbase:server"],
    ]);
    const short = { table: "authz.drift_windows", keep_days: 59 };
    const refused = await caller.call("POST", "/v1/retention-policies", short);
    expect([refused.status, refused.body.code]).toEqual([400, "action/kept_too_short"]);
    const ours = { ...short, keep_days: 60 };
    const { created_by } = (await caller.call("POST", "/v1/retention-policies", ours)).body;
    // Whose word it is, is what tells it from the server's own.
    expect(created_by).toMatch(/^ServiceAccount:/);
    await caller.call("GET", "/v1/me");
    await leaveDrift(system, caller.projectId);
    const count = async () =>
      (
        await system.sql(
          `select (select count(*)::int from authz.drift_windows where tenant_id = $1) as windows,
           (select count(*)::int from authz.drift_window_cells where tenant_id = $1) as cells,
           (select count(*)::int from authz.drift_findings where tenant_id = $1) as findings,
           (select count(*)::int from authz.drift_first_uses where tenant_id = $1) as firsts,
           (select count(*)::int from vedic.quaternion_signatures where tenant_id = $1 and subject_type like 'drift_window%') as points`,
          [caller.projectId],
        )
      )[0]!;
    const before = await count();
    expect(before).toMatchObject({ windows: 2, findings: 1, points: 1 });
    // The oldest one is so many days old, the others one day less each.
    const grow = (table: string, days: number) =>
      system.sql(
        `update authz.${table} f set day = now()::date - ${days} + (f.day - (select min(o.day) from authz.${table} o where o.tenant_id = $1)) where tenant_id = $1`,
        [caller.projectId],
      );
    await grow("drift_windows", 59);
    await grow("drift_first_uses", 399);
    let runs = 0;
    const retained = async () => {
      await due(caller, "ops.retain");
      return (await finished(caller, "ops.retain", ++runs))[0].result.removed;
    };
    const none = { "authz.drift_first_uses": 0, "authz.drift_windows": 0 };
    expect(await retained()).toEqual(none);
    expect(await count()).toEqual(before);
    await grow("drift_windows", 63);
    expect(await retained()).toEqual({ ...none, "authz.drift_windows": 2 });
    const firsts = before["firsts"];
    expect(await count()).toEqual({ windows: 0, cells: 0, findings: 0, points: 0, firsts });
    await grow("drift_first_uses", 403);
    expect(await retained()).toEqual({ ...none, "authz.drift_first_uses": firsts });
    const record = await system.sql(
      "select table_name, rows_removed::int from ops.retention_runs where tenant_id = $1 order by 1",
      [caller.projectId],
    );
    expect(record).toEqual([
      { table_name: "authz.drift_findings", rows_removed: 1 },
      { table_name: "authz.drift_first_uses", rows_removed: firsts },
      { table_name: "authz.drift_window_cells", rows_removed: before["cells"] },
      { table_name: "authz.drift_windows", rows_removed: before["windows"] },
    ]);
    const { body } = await caller.call("POST", "/v1/ledger/verify", {});
    expect([body.valid, body.findings]).toEqual([true, []]);
  });

  test("gives the log its next key: what the old one signed stays good, the new one signs", async () => {
    const caller = await system.project();
    system.work();
    await caller.call("POST", "/v1/risk/transactions", payment());
    const before = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
    await due(caller, "security.rotate-log-key");
    const [job] = await finished(caller, "security.rotate-log-key");
    expect(job.status).toBe("done");
    await caller.call("POST", "/v1/risk/transactions", payment());
    const after = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
    expect(after.keys).toHaveLength(2);
    expect(after.keys[1]).toBe(before.keys[0]);
    const { body } = await caller.call("POST", "/v1/ledger/verify", {});
    expect([body.valid, body.findings]).toEqual([true, []]);
    const hash = (key: string) => key.split("+")[1];
    // The old one may sign the checkpoint that covers the new one's name, too.
    const signers = [...after.checkpoint.matchAll(/^\u2014 \S+ (\S+)$/gm)].map(([, signature]) =>
      Buffer.from(signature, "base64").subarray(0, 4).toString("hex"),
    );
    expect(signers).toContain(hash(after.keys[0]));
  });
});

describe("a message of another system", () => {
  test("is taken in once; another content under its id is refused", async () => {
    const caller = await system.project();
    const send = (payload: unknown) =>
      caller.call("POST", "/v1/messages", { source: "shop", message_id: "1", payload });
    expect((await send({ a: 1 })).body).toEqual({ accepted: "new" });
    expect((await send({ a: 1 })).body).toEqual({ accepted: "repeated" });
    const other = await send({ a: 2 });
    expect([other.status, other.body.code]).toEqual([409, "action/message_conflict"]);
  });
});
