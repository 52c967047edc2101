import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { openStream } from "#pipeline";
import { operations } from "../../src/main.ts";
import { DOCS } from "../policies.ts";
import {
  askAll,
  itemsOf,
  type Json,
  lines,
  makeLibrary,
  post,
  question,
  READERS,
  store,
} from "../previews.ts";
import {
  type Answer,
  type Caller,
  openTestSystem,
  payment,
  sealedEntries,
  type TestSystem,
} from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const HOUR_MS = 3_600_000;
const operation = operations.find(({ name }) => name === "authz.policy-version.preview")!;

const library = () => makeLibrary(system);

async function preview(caller: Caller, number: number, more: object = {}, set = "docs") {
  const items = itemsOf(await lines(caller, number, more, set));
  const summary = items.at(-1)!.summary;
  expect(items.filter((item) => item.summary !== null)).toHaveLength(1);
  return { items, summary, examples: items.flatMap(({ example }) => example ?? []) };
}

const activate = (caller: Caller, number: number, body: object = {}) =>
  caller.call("POST", `/v1/policies/docs/versions/${number}/activate`, body);

describe("a preview", () => {
  test("says what would change: permissions that are used and would be gone first", async () => {
    const caller = await library();
    await askAll(caller, [
      question("ada", "1"),
      question("ada", "2"),
      question("ada", "2"),
      question("bob", "1"),
      question("eve", "1", { principal: { type: "User", id: "eve", groups: [] } }),
    ]);
    // Neither another set's decisions nor those of the calls themselves are the set's.
    await caller.call("POST", "/v1/risk/transactions", payment());
    const number = await store(caller, READERS, {}, false);
    const { items, summary, examples } = await preview(caller, number);

    const counts = { decisions: 5, newly_denied: 3, newly_allowed: 1, unchanged: 1, errors: 0 };
    expect(summary.counts).toEqual({ ...counts, refused: 0, reasons_changed: 0, unreadable: 0 });
    expect(summary).toMatchObject({ set: "docs", number, base: 1, complete: true, since: null });
    expect(summary.lost_permissions).toEqual({
      permissions: [
        {
          principal: "User:ada",
          action: "doc.page.read",
          resource_type: "Doc",
          uses: 3,
          last_used: expect.any(String),
        },
      ],
      left_out: 0,
    });
    const names = (by: string) => summary[by].groups.map(({ name }: { name: string }) => name);
    expect(names("by_principal")).toEqual(["User:ada", "User:bob", "User:eve"]);
    expect(names("by_action")).toEqual(["doc.page.read"]);
    expect(names("by_resource_type")).toEqual(["Doc"]);
    expect(summary.by_principal.groups[0].counts).toMatchObject({ decisions: 3, newly_denied: 3 });
    expect(examples.map(({ change, principal }) => [change, principal])).toEqual([
      ["newly_allowed", "User:bob"],
      ["newly_denied", "User:ada"],
      ["newly_denied", "User:ada"],
    ]);
    expect(examples[1]).toMatchObject({
      resource: { type: "Doc", id: "2" },
      recorded: { outcome: "allow", reasons: ["policy0"], errors: [] },
      candidate: { outcome: "deny", reasons: [], errors: [] },
      why: { why: "no_permit_applies", nearest: [{ policy: "readers" }] },
    });
    expect(examples[1].help).toContain("Policy readers would permit this if");
    expect(items.at(-1)!.summary).not.toBeNull();
  });

  test("is kept without whom it is about, and sealed", async () => {
    const caller = await library();
    await askAll(caller, [question("ada", "1"), question("bob", "1")]);
    const { summary, examples } = await preview(caller, await store(caller, READERS));
    const { body } = await caller.call("GET", `/v1/policies/docs/previews/${summary.id}`);
    const { id, number, hash, base, report_hash, counts, by_action } = summary;
    expect(body).toMatchObject({ id, set: "docs", number, hash, base, report_hash });
    expect(body.report).toMatchObject({ counts, by_action, complete: true });
    expect(body.report.examples).toEqual(
      examples.map(({ change, decision_id }) => ({ change, decision_id })),
    );
    const [kept] = await system.sql<{ report: string }>(
      "select report from authz.policy_previews where id = $1",
      [id],
    );
    for (const text of [kept!.report, JSON.stringify(body)])
      expect(text).not.toMatch(/User|"ada"|bob/);
    const [event] = await system.sql<{ id: string; facts: string; severity: string }>(
      "select id, facts, severity from telemetry.security_events where tenant_id = $1 and kind = 'policy_previewed'",
      [caller.projectId],
    );
    expect(JSON.parse(event!.facts)).toMatchObject({ preview: id, number, report_hash, counts });
    const entry = (await sealedEntries(system, caller.projectId)).find(
      (one) => one.id === event!.id,
    );
    expect(entry).toMatchObject({ kind: "event", refs: { decision: id } });
    const log = await caller.call("POST", "/v1/ledger/verify", {});
    expect(log.body).toMatchObject({ valid: true, findings: [] });
    const other = await system.project();
    const elsewhere = await other.call("GET", `/v1/policies/docs/previews/${id}`);
    expect(elsewhere.body.code).toBe("action/preview_missing");
  });

  test("of what decides now changes nothing about the platform's own calls", async () => {
    const caller = await system.project();
    for (let i = 0; i < 3; i++) await caller.call("POST", "/v1/risk/transactions", payment());
    await caller.call("GET", "/v1/policies");
    await caller.call("POST", "/v1/decisions", {
      principal: { type: "ServiceAccount", id: "till", groups: ["services"] },
      action: "risk.transaction.assess",
      resource: { type: "Account", id: "new" },
      context: { type: "PAYMENT", amount_cents: 2_000_000_000 },
    });
    const { document } = (await caller.call("GET", "/v1/policies/default")).body;
    const made = await post(caller, "/v1/policies/default/versions", { document });
    const { summary } = await preview(caller, made.number, {}, "default");
    const { decisions, unchanged } = summary.counts;
    expect(decisions).toBeGreaterThanOrEqual(6);
    expect(unchanged).toBe(decisions);
    const none = await post(caller, "/v1/policies/default/versions", { text: "" });
    const without = (await preview(caller, none.number, {}, "default")).summary.counts;
    expect(without).toMatchObject({ newly_allowed: 0, refused: 0, unreadable: 0 });
    expect(without.newly_denied).toBeGreaterThanOrEqual(5);
  });

  test("asks by the schema of the candidate: its groups of actions count, and what it has no place for is told", async () => {
    const caller = await library();
    await askAll(caller, [question("ada", "1"), question("ada", "1", { context: { vpn: true } })]);
    const schema = DOCS.schema
      .replace(
        '"doc.page.read" in [Action::"doc.page"]',
        '"doc.page.read" in [Action::"doc.reading"]',
      )
      .replace('action "doc.page" in', 'action "doc.reading", "doc.page" in')
      .replace(", vpn?: Bool", "");
    const { summary, examples } = await preview(caller, await store(caller, DOCS.text, { schema }));
    expect(summary.counts).toMatchObject({ decisions: 2, newly_denied: 1, refused: 1 });
    expect(examples.map(({ change, why }) => [change, why.at ?? why.why])).toEqual([
      ["refused", "context.vpn"],
      ["newly_denied", "no_permit_for_action"],
    ]);
    expect(examples[0].candidate).toBeNull();
  });

  test("counts errors, other reasons, and what was known and is gone", async () => {
    const caller = await library();
    await askAll(caller, [question("ada", "1"), question("bob", "1", { context: { hour: 1 } })]);
    const slice = await caller.call("POST", "/v1/decisions", question("cyd", "1"));
    await system.sql(
      `delete from authz.entity_slices where hash = (select entity_slice_hash from authz.policy_decisions where id = $1)`,
      [slice.body.id],
    );
    const text = `@id("owners") ${DOCS.text}
      @id("overflows") permit (principal, action, resource is Doc)
        when { context has hour && context.hour + 9223372036854775807 > 1 };`;
    const { summary } = await preview(
      caller,
      await store(
        caller,
        text.replace("9223372036854775807", "9007199254740991 * 9007199254740991"),
      ),
    );
    expect(summary.counts).toMatchObject({
      decisions: 3,
      reasons_changed: 1,
      unchanged: 1,
      unreadable: 1,
      errors: 1,
    });
  });

  test("looks at a window, at so many decisions at most, and says when there were more", async () => {
    const caller = await library();
    await askAll(
      caller,
      Array.from({ length: 9 }, (_, i) => question("ada", String(i))),
    );
    const number = await store(caller, READERS);
    const { summary } = await preview(caller, number, { max: 4 });
    expect(summary).toMatchObject({ complete: false, counts: { decisions: 4 } });
    expect((await preview(caller, number, { max: 9 })).summary.complete).toBe(true);
    const past = { until: "2020-01-01T00:00:00Z" };
    expect((await preview(caller, number, past)).summary.counts.decisions).toBe(0);
    const future = { since: "2190-01-01T00:00:00Z" };
    expect((await preview(caller, number, future)).summary.counts.decisions).toBe(0);
  });

  test("is refused for a draft that is not valid, for no version, and when one is under way", async () => {
    const caller = await library();
    const bad = await store(
      caller,
      DOCS.text.replace("resource has owner", "resource.size > 1"),
      {},
      false,
    );
    const code = async (answer: Promise<Answer>) => itemsOf(await answer).at(-1) as Json;
    expect((await code(lines(caller, bad))).refusal).toMatchObject({
      code: "action/version_not_valid",
      facts: { findings: expect.arrayContaining([expect.stringContaining("`size`")]) },
    });
    expect((await code(lines(caller, 99))).refusal.code).toBe("action/version_missing");
    await askAll(caller, [question("ada", "1"), question("bob", "1")]);
    const number = await store(caller, READERS);
    const leaving = new AbortController();
    const { items } = await openStream(system.parts, operation, {
      credential: caller.key,
      input: { set: "docs", number },
      signal: leaving.signal,
    });
    const first = items[Symbol.asyncIterator]();
    expect((await first.next()).value.example).not.toBeNull();
    expect((await code(lines(caller, number))).refusal.code).toBe("action/preview_running");
    // Who leaves has seen nothing that would count.
    await first.return?.();
    leaving.abort();
    expect((await activate(caller, number)).body.code).toBe("action/preview_needed");
    expect((await preview(caller, number)).summary.counts.decisions).toBe(2);
  });

  test("ends where its caller may not see more", async () => {
    const caller = await library();
    await askAll(caller, [question("ada", "1"), question("bob", "1")]);
    const number = await store(caller, READERS);
    const account = await post(caller, "/v1/service-accounts", { name: "a", groups: ["auditors"] });
    const key = await post(caller, "/v1/api-keys", { service_account_id: account.id, name: "a" });
    const { summary } = await preview(system.as(key.key), number);
    expect(summary.counts.decisions).toBe(2);
    await caller.call("DELETE", `/v1/api-keys/${key.id}`);
    expect((await lines(system.as(key.key), number)).status).toBe(401);
    const stranger = await post(caller, "/v1/service-accounts", { name: "s" });
    const its = await post(caller, "/v1/api-keys", { service_account_id: stranger.id, name: "s" });
    expect((await lines(system.as(its.key), number)).status).toBe(403);
  });
});

describe("activation", () => {
  test("needs a fresh preview of that very version, or a reason, which is sealed", async () => {
    const caller = await library();
    await askAll(caller, [question("ada", "1")]);
    const [first, second] = [
      await store(caller, READERS),
      await store(caller, `${READERS} ${DOCS.text}`),
    ];
    const needed = await activate(caller, first);
    expect([needed.status, needed.body.code, needed.body.facts]).toEqual([
      409,
      "action/preview_needed",
      { set: "docs", number: first },
    ]);
    const { summary } = await preview(caller, second);
    expect((await activate(caller, first)).body.code).toBe("action/preview_needed");
    const done = await activate(caller, second);
    expect([done.status, done.body.status, done.body.preview_id]).toEqual([
      200,
      "active",
      summary.id,
    ]);

    const reason = await activate(caller, first, { without_preview: "it is on fire" });
    expect([reason.status, reason.body.preview_id]).toEqual([200, null]);
    const payloads = await system.sql<{ payload: string }>(
      "select payload from ledger.payloads where tenant_id = $1 and payload like '%policy-version.activate%'",
      [caller.projectId],
    );
    expect(payloads.map(({ payload }) => payload).join()).toContain(summary.id);
    expect(payloads.map(({ payload }) => payload).join()).toContain("it is on fire");
  });

  test.each<[string, object]>([
    ["of a second of the past", { since: "2020-01-01T00:00:00Z", until: "2020-01-01T00:00:01Z" }],
    ["of the last minute", { since: new Date(Date.now() - 60_000).toISOString() }],
    ["of one decision", { max: 1 }],
  ])("does not believe a preview %s", async (_, window) => {
    const caller = await library();
    await askAll(caller, [question("ada", "1"), question("bob", "1")]);
    const number = await store(caller, READERS);
    const { summary } = await preview(caller, number, window);
    const answer = await activate(caller, number);
    expect([answer.status, answer.body.code, answer.body.facts.preview_id]).toEqual([
      409,
      "action/preview_partial",
      summary.id,
    ]);
  });

  test("does not believe a preview that was edited", async () => {
    const caller = await library();
    await askAll(caller, [question("ada", "1")]);
    const number = await store(caller, READERS);
    const { summary } = await preview(caller, number);
    expect(summary.counts.newly_denied).toBe(1);
    await system.sql(
      `update authz.policy_previews set report = replace(report, '"newly_denied":1', '"newly_denied":0') where tenant_id = $1`,
      [caller.projectId],
    );
    expect((await activate(caller, number)).body.code).toBe("action/preview_needed");
  });

  test("of a set's first version needs none", async () => {
    const caller = await system.project();
    const { number } = await post(caller, "/v1/policies/docs/versions", DOCS);
    await post(caller, `/v1/policies/docs/versions/${number}/validate`, {});
    expect((await activate(caller, number)).body).toMatchObject({
      status: "active",
      preview_id: null,
    });
  });
});

// The last one: ids are never given times before those that were given.
describe("time", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: Date.now() }));
  afterEach(() => void vi.useRealTimers());

  test("finds a preview stale once another version is active, or a day has passed", async () => {
    const caller = await library();
    await askAll(caller, [question("ada", "1")]);
    const [first, second] = [
      await store(caller, READERS),
      await store(caller, `${READERS} ${DOCS.text}`),
    ];
    const { summary } = await preview(caller, first);
    await activate(caller, second, { without_preview: "first" });
    const moved = await activate(caller, first);
    expect([moved.status, moved.body.code, moved.body.facts]).toMatchObject([
      409,
      "action/preview_stale",
      { preview_id: summary.id, base: 1, active: second },
    ]);
    const fresh = await preview(caller, first);
    expect(Date.parse(fresh.summary.fresh_until) - Date.now()).toBe(24 * HOUR_MS);
    vi.setSystemTime(Date.now() + 24 * HOUR_MS);
    const old = await activate(caller, first);
    expect(old.body).toMatchObject({ code: "action/preview_stale", facts: { age_s: 86_400 } });
    vi.setSystemTime(Date.now() - 1);
    expect((await activate(caller, first)).status).toBe(200);
  });
});
