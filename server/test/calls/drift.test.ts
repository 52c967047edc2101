import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { watched } from "../drift.ts";
import { makeSet } from "../policies.ts";
import { type Caller, openTestSystem, sealedEntries, type TestSystem } from "../system.ts";

const DAY_MS = 86_400_000;
/** Noon of the first day; UUIDs never go back, so neither do the days of the tests. */
let noon_ms = Math.ceil(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
const dayOf = (time_ms: number) => new Date(time_ms).toISOString().slice(0, 10);

let system: TestSystem;

beforeAll(async () => {
  system = await openTestSystem();
  system.work();
});
afterAll(() => system.stop());
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: noon_ms }));
afterEach(() => void vi.useRealTimers());

const nextDay = (days = 1) => void vi.setSystemTime((noon_ms += days * DAY_MS));

/** A question of a payment service; the default policies deny more than ten million. */
const ask = (caller: Caller, isAllowed: boolean, more: object = {}) =>
  caller.call("POST", "/v1/decisions", {
    principal: { type: "ServiceAccount", id: "till", groups: ["services"] },
    action: "risk.transaction.assess",
    resource: { type: "Account", id: "new" },
    context: { amount_cents: isAllowed ? 100 : 2_000_000_000, type: "PAYMENT" },
    ...more,
  });

async function askMany(caller: Caller, allowed: number, denied: number) {
  const answers = await Promise.all(
    Array.from({ length: allowed + denied }, (_, i) => ask(caller, i < allowed)),
  );
  expect(answers.filter(({ body }) => body.outcome === "allow")).toHaveLength(allowed);
}

const watch = (caller: Caller) => watched(system, caller);

const list = async (caller: Caller, what: string) =>
  (await caller.call("GET", `/v1/drift/${what}`)).body.items;

const briefly = (findings: { kind: string; action: string | null; day: string }[]) =>
  findings.map(({ kind, action, day }) => [kind, action, day]);

describe("the watch for drift", () => {
  test("counts days that have ended, finds what changed, tells and seals it, and nothing twice", async () => {
    const caller = await system.project();
    const other = await system.project();
    const first = dayOf(noon_ms);
    expect(await watch(caller)).toEqual([{ windows: 0, findings: 0, compared: [], more: false }]);
    for (let day = 0; day < 15; day++) {
      await askMany(caller, 38, 2);
      nextDay();
    }
    const changed = dayOf(noon_ms);
    await askMany(caller, 20, 20);
    await ask(caller, true, {
      action: "telemetry.chain.why",
      resource: { type: "Chain", id: "any" },
      context: {},
    });
    // The day has not ended: it is nobody's window yet.
    expect((await watch(caller)).map(({ windows, more }) => [windows, more])).toEqual([
      [14, true],
      [1, false],
    ]);
    nextDay();
    expect(await watch(caller)).toEqual([
      { windows: 1, from: changed, to: changed, findings: 3, compared: [], more: false },
    ]);

    const windows = await list(caller, "windows");
    expect(windows).toHaveLength(16);
    expect([windows.at(-1).day, windows[0].day]).toEqual([first, changed]);
    // Each question is two decisions: may it be asked, and what was asked.
    expect(windows[1]).toMatchObject({ revision: 1, allowed: 78, denied: 2, errors: 0 });
    expect(windows.at(-1)).toMatchObject({ first_denied: 1, distance_rad: null });
    expect(windows[0].distance_rad).toBeGreaterThan(0.15);
    const { w, x, y, z } = windows[0].mix;
    expect(Math.hypot(w, x, y, z)).toBeCloseTo(1, 12);
    const findings = await list(caller, "findings");
    expect(briefly(findings).sort()).toEqual([
      ["first_allowed", "telemetry.chain.why", changed],
      ["mix_moved", null, changed],
      ["rate_changed", "risk.transaction.assess", changed],
    ]);
    const rate = findings.find(({ kind }: { kind: string }) => kind === "rate_changed");
    expect([rate.cohort, rate.since, rate.facts.rate_before, rate.facts.rate_since]).toEqual([
      'ServiceAccount["services"]',
      changed,
      0.95,
      0.5,
    ]);
    const only = await caller.call("GET", "/v1/drift/findings?kind=mix_moved&limit=1");
    expect(briefly(only.body.items)).toEqual([["mix_moved", null, changed]]);

    const events = await system.sql<{ kind: string; facts: string }>(
      "select kind, facts from telemetry.security_events where tenant_id = $1 and kind = 'drift'",
      [caller.projectId],
    );
    expect(events).toHaveLength(1);
    expect(events[0]!.facts).toContain("telemetry.chain.why");
    const sealed = await sealedEntries(system, caller.projectId);
    expect(
      sealed.filter(({ kind, action }) => kind === "job" && action === "authz.drift"),
    ).toHaveLength(4);
    const verified = await caller.call("POST", "/v1/ledger/verify", {});
    expect([verified.body.valid, verified.body.findings]).toEqual([true, []]);

    const rows = await state(caller);
    const firsts = windows.map((window: { first_allowed: number; first_denied: number }) =>
      Number(window.first_allowed + window.first_denied),
    );
    // Each is kept once, not once a day.
    expect(Number(rows[0]!["firsts"])).toBe(firsts.reduce((a: number, b: number) => a + b));
    expect(await watch(caller)).toEqual([{ windows: 0, findings: 0, compared: [], more: false }]);
    expect(await state(caller)).toEqual(rows);
    expect(await list(other, "windows")).toEqual([]);
    expect(await list(other, "findings")).toEqual([]);
    await watch(other);
    expect(
      (await list(other, "windows")).map(({ denied }: { denied: number }) => denied),
    ).not.toContain(20);
    expect(await list(other, "findings")).toEqual([]);
  });

  test("counts a day again when decisions came late, and the same day the same way", async () => {
    const caller = await system.project();
    for (let day = 0; day < 3; day++) {
      await askMany(caller, 4, 1);
      nextDay();
    }
    await watch(caller);
    const before = await list(caller, "windows");
    // A decision of the day before yesterday, written now.
    await system.sql(
      `insert into authz.policy_decisions
       select (jsonb_populate_record(d, jsonb_build_object('id', overlay(d.id::text placing translate(right(d.id::text, 1), '0123456789abcdef', '123456789abcdef0') from 36), 'action', 'late'))).*
       from authz.policy_decisions d where d.tenant_id = $1 and d.outcome = 'deny'
         and d.id >= ops.uuid_floor($2::date::timestamp at time zone 'utc') order by d.id limit 1`,
      [caller.projectId, before[1].day],
    );
    expect((await watch(caller)).map(({ windows }) => windows)).toEqual([1]);
    const after = await list(caller, "windows");
    expect(after.map(({ revision }: { revision: number }) => revision)).toEqual([1, 2, 1]);
    expect(after[1]).toMatchObject({
      denied: before[1].denied + 1,
      first_denied: before[1].first_denied + 1,
    });
    expect(after[1].stats_hash).not.toBe(before[1].stats_hash);
    // Away again, and the first count comes back to the bit.
    await system.sql(
      "delete from authz.policy_decisions where tenant_id = $1 and action = 'late'",
      [caller.projectId],
    );
    await system.sql(
      "delete from authz.drift_first_uses f where tenant_id = $1 and not exists (select from authz.policy_decisions d where d.id = f.decision_id)",
      [caller.projectId],
    );
    await watch(caller);
    const [, again] = await list(caller, "windows");
    expect([again.revision, again.stats_hash]).toEqual([3, before[1].stats_hash]);
  });

  test("goes on knowing what goes on when the first day of it was taken away", async () => {
    const caller = await system.project();
    const days = () =>
      system.sql<{ day: string }>(
        `select f.day::text from authz.drift_first_uses f join authz.policy_decisions d on d.id = f.decision_id
         where f.tenant_id = $1 and d.action = 'risk.transaction.assess' and f.outcome = 'allow' order by 1`,
        [caller.projectId],
      );
    const counted = async () => {
      const on = dayOf(noon_ms);
      await ask(caller, true);
      nextDay();
      await watch(caller);
      const [window] = (await caller.call("GET", "/v1/drift/windows?limit=1")).body.items;
      expect(window.day).toBe(on);
      return [on, window.first_allowed] as const;
    };
    const [first] = await counted();
    nextDay(88);
    // Known, and noted once more only when the first row is old.
    expect((await counted())[1]).toBe(0);
    expect(await days()).toEqual([{ day: first }]);
    const [again, firsts] = await counted();
    expect(firsts).toBe(0);
    expect(await days()).toEqual([{ day: first }, { day: again }]);
    await system.sql("delete from authz.drift_first_uses where tenant_id = $1 and day = $2", [
      caller.projectId,
      first,
    ]);
    expect((await counted())[1]).toBe(0);
  });

  test("is not stopped by a slice that cannot be read, or by names as long as they may be", async () => {
    const caller = await system.project();
    const long = (letter: string) => letter.repeat(200);
    const groups = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(200, "g"));
    await makeSet((path, body) => caller.call("POST", path, body).then((answer) => answer.body), {
      name: "long",
      schema: `entity ${long("P")} in [Group]; entity ${long("R")};
        action "${long("ü")}" appliesTo { principal: [${long("P")}], resource: [${long("R")}] };`,
      text: "permit (principal, action, resource);",
    });
    const answer = await ask(caller, true, {
      principal: { type: long("P"), id: long("ö"), groups },
      action: long("ü"),
      resource: { type: long("R"), id: long("é") },
      context: {},
      set: "long",
    });
    expect(answer.status).toBe(201);
    await system.sql(
      `update authz.entity_slices set slice = replace(slice, 'admins', '\\u0000') where tenant_id = $1`,
      [caller.projectId],
    );
    nextDay();
    expect((await watch(caller)).map(({ windows }) => windows)).toEqual([1]);
    const cells = await system.sql<{ cohort: string }>(
      "select cohort from authz.drift_window_cells where tenant_id = $1 order by length(cohort)",
      [caller.projectId],
    );
    expect(cells[0]!.cohort).toBe("ServiceAccount");
    expect(cells.at(-1)!.cohort).toMatch(/^P{200}.*…[0-9a-f]{64}$/);
  });
});

/** Everything that the watch has written for a project. */
const state = (caller: Caller) =>
  system.sql(
    `select (select count(*) from authz.drift_windows w where w.tenant_id = $1) as windows,
       (select count(*) from authz.drift_window_cells c where c.tenant_id = $1) as cells,
       (select count(*) from authz.drift_first_uses f where f.tenant_id = $1) as firsts,
       (select count(*) from authz.drift_findings f where f.tenant_id = $1) as findings,
       (select count(*) from vedic.policy_geometry g where g.tenant_id = $1 and g.subject_type = 'drift_window') as points,
       (select count(*) from vedic.quaternion_signatures s where s.tenant_id = $1) as signatures`,
    [caller.projectId],
  );
