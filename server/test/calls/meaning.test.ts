import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { watched } from "../drift.ts";
import { type Json, makeLibrary, post, question } from "../previews.ts";
import { type Caller, openTestSystem, type TestSystem } from "../system.ts";

const DAY_MS = 86_400_000;
/** Noon of the first day; UUIDs never go back, so neither do the days of the tests. */
let noon_ms = Math.ceil(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
const day = (back = 0) => new Date(noon_ms - back * DAY_MS).toISOString().slice(0, 10);

let system: TestSystem;

beforeAll(async () => {
  system = await openTestSystem();
  system.work();
});
afterAll(() => system.stop());
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: noon_ms }));
afterEach(() => void vi.useRealTimers());

const later = (days: number) => void vi.setSystemTime((noon_ms += days * DAY_MS));

const OWNERS = `@id("owners") permit (principal, action == Action::"doc.page.read", resource)
  when { resource has owner && resource.owner == principal };`;
const NIGHT = (
  before: number,
) => `@id("night") permit (principal, action == Action::"doc.page.read", resource)
  when { context has hour && context.hour < ${before} };`;
const BOB = `@id("bob") permit (principal == User::"bob", action == Action::"doc.page.read", resource);`;

/** A version of the set, active from now on; gives its number. */
const activate = (caller: Caller, ...texts: string[]): Promise<number> =>
  activateIn(caller, "docs", ...texts);

async function activateIn(caller: Caller, set: string, ...texts: string[]): Promise<number> {
  const path = `/v1/policies/${set}/versions`;
  const { number } = await post(caller, path, { text: texts.join("\n"), schema: SCHEMA });
  expect((await post(caller, `${path}/${number}/validate`, {})).valid).toBe(true);
  await post(caller, `${path}/${number}/activate`, { without_preview: "a test" });
  return number;
}

const SCHEMA = `entity Doc = { owner?: User };
  action "doc.page.read" appliesTo { principal: [User], resource: [Doc], context: { hour?: Long } };`;

const ask = (caller: Caller, ...users: string[]) =>
  post(
    caller,
    "/v1/decisions",
    users.map((user) => question(user, "plan")),
  );

const findings = async (caller: Caller): Promise<Json[]> =>
  (await caller.call("GET", "/v1/drift/findings?kind=meaning_changed")).body.items;

const counted = (counts: Json) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));

test("what small changes came to in a week is found, once, and told", async () => {
  const caller = await makeLibrary(system);
  const other = await makeLibrary(system);
  const first = await activate(caller, OWNERS);
  await activate(other, OWNERS);
  later(8);
  await ask(caller, "ada", "ada", "bob", "eve");
  // The same by another name, and then two changes, each small.
  await activate(caller, OWNERS.replace("owners", "whoever-owns"));
  const renamed = day();
  later(1);
  const [quiet] = (await watched(system, caller)).slice(-1);
  expect(quiet!["compared"]).toMatchObject([
    { set: "docs", before: first, after: first + 1, day: renamed, since: renamed },
  ]);
  const [rename] = quiet!["compared"] as Json[];
  expect(counted(rename.recorded)).toEqual({ decisions: 3, reasons_changed: 1, unchanged: 2 });
  expect(rename.generated).toMatchObject({ newly_denied: 0, newly_allowed: 0 });
  expect(await findings(caller)).toEqual([]);

  await activate(caller, OWNERS, NIGHT(6));
  later(1);
  await activate(caller, OWNERS, NIGHT(6), BOB);
  await activate(caller, OWNERS, BOB);
  const changed = day();
  await ask(caller, "ada");
  later(1);
  const jobs = await watched(system, caller);
  expect(jobs.map(({ findings: count }) => count)).toEqual([2]);
  const [found, night] = await findings(caller);
  expect([found.day, found.since, found.set]).toEqual([changed, renamed, "docs"]);
  expect([found.cohort, found.action, found.resource_type]).toEqual([null, null, null]);
  const { before, after, recorded, generated } = found.facts;
  expect([before, after]).toEqual([first, first + 4]);
  // Ada's was asked three times and counts once: as the same question, whoever decided it.
  expect(counted(recorded.counts)).toEqual({ decisions: 3, newly_allowed: 1, unchanged: 2 });
  expect([recorded.complete, recorded.cells_left_out]).toEqual([true, 0]);
  expect(recorded.cells).toMatchObject([
    { cohort: 'User["readers"]', action: "doc.page.read", resource_type: "Doc" },
  ]);
  const [example] = recorded.examples;
  const decision = await caller.call("GET", `/v1/decisions/${example.decision_id}`);
  expect([example.change, decision.body.principal]).toEqual(["newly_allowed", "User:bob"]);
  expect(generated.counts.newly_allowed).toBeGreaterThan(0);
  expect(generated.examples[0].question.principal.id).toBe("bob");

  // Nobody asked anything at night, so only what was made up shows that.
  expect(night.facts.recorded.counts).toMatchObject({ newly_allowed: 0, newly_denied: 0 });
  expect(night.facts.generated.examples[0].question.context.hour).toBeLessThan(6);

  const events = await system.sql<{ facts: string }>(
    "select facts from telemetry.security_events where tenant_id = $1 and kind = 'drift' order by id desc limit 1",
    [caller.projectId],
  );
  expect(JSON.parse(events[0]!.facts).findings).toContainEqual({
    day: changed,
    kind: "meaning_changed",
    since: renamed,
    set: "docs",
    before: first,
    after: first + 4,
    cohort: null,
    action: null,
    resource_type: null,
  });
  expect(await watched(system, caller)).toMatchObject([{ compared: [] }]);
  expect(await findings(caller)).toHaveLength(2);
  await watched(system, other);
  expect(await findings(other)).toEqual([]);
  const verified = await caller.call("POST", "/v1/ledger/verify", {});
  expect([verified.body.valid, verified.body.findings]).toEqual([true, []]);
});

test("a version that came back is compared by what decided in between, and one that was edited stops nothing", async () => {
  const caller = await makeLibrary(system);
  const [owners, bob] = [await activate(caller, OWNERS), await activate(caller, BOB)];
  await ask(caller, "ada", "bob");
  const back = async (number: number) =>
    post(caller, `/v1/policies/docs/versions/${number}/activate`, { without_preview: "back" });
  later(9);
  // From bob's to the owners' and, two days later, to bob's again: its row tells of the last time only.
  await back(owners);
  later(2);
  await back(bob);
  later(1);
  await watched(system, caller);
  const [found] = await findings(caller);
  // A week before the second day bob's decided, as it did at its end: nothing changed. On the first day it was another one.
  expect([found.day, found.facts.before, found.facts.after]).toEqual([day(3), bob, owners]);
  expect(await findings(caller)).toHaveLength(1);

  await back(owners);
  await system.sql(
    `update authz.policy_versions v set document = document || ' ' from authz.policy_sets s
     where v.tenant_id = $1 and s.id = v.policy_set_id and s.name = 'docs' and v.number = $2`,
    [caller.projectId, bob],
  );
  later(1);
  const [job] = (await watched(system, caller)).slice(-1);
  expect(job!["compared"]).toMatchObject([
    { before: bob, after: owners, recorded: null, generated: null },
  ]);
});

test("the platform's own policies are compared before any others, and it is said whether all was looked at", async () => {
  const caller = await makeLibrary(system);
  await activateIn(caller, "also", OWNERS);
  later(8);
  await activateIn(caller, "also", BOB);
  const path = "/v1/policies/default/versions";
  const text = 'permit (principal in Group::"admins", action, resource);';
  const { number } = await post(caller, path, { text });
  await post(caller, `${path}/${number}/validate`, {});
  await post(caller, `${path}/${number}/activate`, { without_preview: "a test" });
  later(1);
  const [job] = (await watched(system, caller)).slice(-1);
  expect(job!["compared"]).toMatchObject([
    { set: "default", complete: true },
    { set: "also", complete: true },
  ]);
});

test("two versions are compared by samples when somebody asks", async () => {
  const caller = await makeLibrary(system);
  const before = await activate(caller, OWNERS);
  await ask(caller, "ada", "bob", "ada");
  const after = await activate(caller, OWNERS, NIGHT(6));
  const compare = (body: object, by: Pick<Caller, "call"> = caller) =>
    by.call("POST", `/v1/policies/docs/versions/${after}/compare`, { before, ...body });
  expect((await compare({})).body).toMatchObject({ recorded: null, generated: null });
  const { status, body, text } = await compare({ generate: true, until: `${day(-1)}T00:00:00Z` });
  expect(status, text).toBe(200);
  expect(counted(body.recorded.counts)).toEqual({ decisions: 2, unchanged: 2 });
  expect(body.recorded.looked_at).toBeGreaterThan(4);
  expect(body.generated.counts.newly_allowed).toBeGreaterThan(0);
  expect(body.generated.counts.newly_denied).toBe(0);
  // What was made up can be asked as it stands.
  const [example] = body.generated.examples;
  for (const [number, outcome] of [
    [before, "deny"],
    [after, "allow"],
  ]) {
    const requests = [example.question];
    const simulated = await post(caller, "/v1/policies/simulate", {
      set: "docs",
      number,
      requests,
    });
    expect(simulated.answers[0].outcome).toBe(outcome);
  }
  // Several at once would hold up others: one answers, and those that come meanwhile are refused.
  const atOnce = await Promise.all([1, 2, 3].map(() => compare({ generate: true })));
  expect(atOnce.map((one) => one.body.code ?? one.status).sort()).toEqual([
    200,
    "action/comparison_running",
    "action/comparison_running",
  ]);
  const none = await compare({ since: `${day(-1)}T00:00:00Z` });
  expect(none.body.recorded).toMatchObject({ looked_at: 0, counts: { decisions: 0 } });

  // Whoever may compare and not read decisions gets what follows from the policies alone.
  const written = `permit (principal, action == Action::"authz.policy-version.compare", resource);
    @id("admins") permit (principal in Group::"admins", action, resource);`;
  const path = "/v1/policies/default/versions";
  const { number } = await post(caller, path, { text: written });
  await post(caller, `${path}/${number}/validate`, {});
  await post(caller, `${path}/${number}/activate`, { without_preview: "a test" });
  const account = await post(caller, "/v1/service-accounts", { name: "curious" });
  const key = await post(caller, "/v1/api-keys", { service_account_id: account.id, name: "c" });
  const curious = system.as(key.key);
  const refused = await compare({ since: `${day(1)}T00:00:00Z` }, curious);
  expect([refused.status, refused.body.code]).toEqual([403, "action/may_not_read_decisions"]);
  expect((await compare({ generate: true }, curious)).status).toBe(200);
});
