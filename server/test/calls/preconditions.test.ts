import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cancelled } from "#pipeline";
import { openTestSystem, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;

beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

describe("a precondition", () => {
  const path = () => `/v1/projects/${system.home.projectId}`;

  test("a read has a tag, and costs no body when the reader has it", async () => {
    const first = await system.home.call("GET", path());
    const tag = first.headers["etag"]!;
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    const again = await system.home.call("GET", path(), undefined, { "if-none-match": tag });
    expect([again.status, again.text, again.headers["etag"]]).toEqual([304, "", tag]);
    const other = await system.home.call("GET", path(), undefined, { "if-none-match": '"other"' });
    expect(other.status).toBe(200);
  });

  test("an update happens only on the state that its caller saw, and the refusal is sealed", async () => {
    const seen = (await system.home.call("GET", path())).headers["etag"]!;
    const first = await system.home.call(
      "PATCH",
      path(),
      { score_max: 0.71 },
      { "if-match": seen },
    );
    expect(first.status).toBe(200);
    const late = await system.home.call("PATCH", path(), { score_max: 0.72 }, { "if-match": seen });
    expect([late.status, late.body.code, late.body.facts.found]).toEqual([
      412,
      "action/changed",
      first.headers["etag"],
    ]);
    const now = await system.home.call("GET", path());
    expect([now.body.score_max, now.headers["etag"]]).toEqual([0.71, first.headers["etag"]]);
    const [last] = (await sealedEntries(system, system.home.projectId)).slice(-1);
    expect([last!.action, last!.outcome]).toEqual(["control-plane.project.update", "refused"]);
  });

  test("of twenty updates that saw one state, one is done", async () => {
    const seen = (await system.home.call("GET", path())).headers["etag"]!;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        system.home.call("PATCH", path(), { score_max: 0.8 + i / 1000 }, { "if-match": seen }),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    expect([statuses[0], ...new Set(statuses.slice(1))]).toEqual([200, 412]);
  });

  test("one that cannot be checked is refused", async () => {
    const body = { name: "a", groups: [] };
    const answer = await system.home.call("POST", "/v1/service-accounts", body, {
      "if-match": '"a"',
    });
    expect([answer.status, answer.body.code]).toEqual([400, "request/no_precondition"]);
  });
});

describe("a call whose caller left", () => {
  test("stops the statement that PostgreSQL is at, and leaves the connection usable", async () => {
    const controller = new AbortController();
    const scope = { role: "reader", tenantId: null } as const;
    const slept = system.parts.db.transaction(
      scope,
      (tx) => sql`select pg_sleep(30)`.execute(tx),
      controller.signal,
    );
    const asleep = async () =>
      (
        await system.sql(
          "select from pg_stat_activity where query like 'select pg_sleep(30)%' and state = 'active'",
        )
      ).length;
    while ((await asleep()) === 0);
    controller.abort(cancelled());
    await expect(slept).rejects.toMatchObject({ code: "request/cancelled" });
    expect(await asleep()).toBe(0);
    expect((await system.home.call("GET", "/v1/me")).status).toBe(200);
  });
});
