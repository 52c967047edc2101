import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

const TWINS = 50;

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const keyed = (path: string, body: unknown, key: string) =>
  system.home.call("POST", path, body, { "idempotency-key": key });

const rowsOf = async (table: string, column: string, value: string) =>
  Number(
    (
      await system.sql<{ n: string }>(`select count(*) as n from ${table} where ${column} = $1`, [
        value,
      ])
    )[0]!.n,
  );

/** Both ways of writing: rows that share a commit, and a transaction of its own. */
const FORMS = [
  {
    form: "append-only",
    path: "/v1/risk/transactions",
    body: (name: string) => payment({ external_id: name }),
    actions: (name: string) => rowsOf("vedic.transactions", "external_id", name),
  },
  {
    form: "transactional",
    path: "/v1/service-accounts",
    body: (name: string) => ({ name }),
    actions: (name: string) => rowsOf("control_plane.service_accounts", "name", name),
  },
];

describe.each(FORMS)("$form", ({ form, path, body, actions }) => {
  test("the same key and body get the first answer again, and nothing happens twice", async () => {
    const name = `${form}-again`;
    const first = await keyed(path, body(name), name);
    const entries = await sealedEntries(system, system.home.projectId);
    const again = await keyed(path, body(name), name);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers["sealbase-call"]).toBe(first.headers["sealbase-call"]);
    expect([first.headers["idempotency-replayed"], again.headers["idempotency-replayed"]]).toEqual([
      undefined,
      "true",
    ]);
    expect(await actions(name)).toBe(1);
    expect(await sealedEntries(system, system.home.projectId)).toEqual(entries);
  });

  test("the order of fields makes no other body", async () => {
    const name = `${form}-order`;
    const fields = Object.entries(body(name));
    const first = await keyed(path, Object.fromEntries(fields), name);
    const again = await keyed(path, Object.fromEntries(fields.reverse()), name);
    expect(again.body).toEqual(first.body);
  });

  test("the same key with another body is refused", async () => {
    const name = `${form}-other`;
    await keyed(path, body(name), name);
    const before = await sealedEntries(system, system.home.projectId);
    const other = await keyed(path, body(`${name}2`), name);
    expect(other).toMatchObject({
      status: 409,
      body: { code: "request/idempotency_conflict", facts: { idempotency_key: name } },
    });
    expect(await actions(`${name}2`)).toBe(0);
    expect(await sealedEntries(system, system.home.projectId)).toEqual(before);
  });

  test("the same key on another operation is refused", async () => {
    const name = `${form}-elsewhere`;
    await keyed(path, body(name), name);
    const [other] = FORMS.filter((f) => f.form !== form);
    expect((await keyed(other!.path, other!.body(name), name)).status).toBe(409);
  });

  test("fifty twins at once are one action and fifty equal answers, soon", async () => {
    const name = `${form}-twins`;
    const before = (await sealedEntries(system, system.home.projectId)).length;
    const since = performance.now();
    const answers = await Promise.all(
      Array.from({ length: TWINS }, () => keyed(path, body(name), name)),
    );
    expect(performance.now() - since).toBeLessThan(8_000);
    expect(distinct(answers, ({ status }) => status)).toEqual([201]);
    expect(distinct(answers, ({ text }) => text)).toHaveLength(1);
    expect(distinct(answers, ({ headers }) => headers["sealbase-call"])).toHaveLength(1);
    expect(distinct(answers, ({ headers }) => headers["sealbase-entry"]?.split(",")[0])).toEqual([
      `index=${before}`,
    ]);
    expect(
      answers.filter(({ headers }) => headers["idempotency-replayed"] === undefined),
    ).toHaveLength(1);
    expect(await actions(name)).toBe(1);
    expect(await sealedEntries(system, system.home.projectId)).toHaveLength(before + 1);
  });

  test("twins with two bodies: one of them wins, the other is refused", async () => {
    const name = `${form}-rivals`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => keyed(path, body(`${name}${i % 2}`), name)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array.from({ length: 10 }, () => 201),
      ...Array.from({ length: 10 }, () => 409),
    ]);
    expect((await actions(`${name}0`)) + (await actions(`${name}1`))).toBe(1);
  });

  test("twins through two systems are one action", async () => {
    const name = `${form}-two-systems`;
    const other = await system.another();
    const ways = [system.home, other.home];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        ways[i % 2]!.call("POST", path, body(name), { "idempotency-key": name }),
      ),
    );
    expect(distinct(answers, ({ status }) => status)).toEqual([201]);
    expect(distinct(answers, ({ text }) => text)).toHaveLength(1);
    expect(await actions(name)).toBe(1);
  });

  test("an answer is forgotten after its time", async () => {
    const name = `${form}-late`;
    const first = await keyed(path, body(name), name);
    await system.sql(
      "update ops.idempotency_keys set expires_at = now() - interval '1 s' where key = $1",
      [name],
    );
    const second = await keyed(path, body(`${name}2`), name);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect((await keyed(path, body(`${name}2`), name)).body).toEqual(second.body);
  });
});

const distinct = <T>(answers: readonly Answer[], of: (answer: Answer) => T): T[] => [
  ...new Set(answers.map(of)),
];

test("a refusal keeps nothing under its key", async () => {
  const { home } = system;
  const body = payment({
    type: "CASH_OUT",
    amount_cents: 500_000,
    origin_before_cents: 500_000,
    origin_after_cents: 0,
  });
  const call = () => keyed("/v1/risk/transactions", body, "after a refusal".replaceAll(" ", "-"));
  expect((await call()).body.code).toBe("score/too_risky");
  expect(await rowsOf("ops.idempotency_keys", "key", "after-a-refusal")).toBe(0);
  await home.call("PATCH", `/v1/projects/${home.projectId}`, { score_max: 1 });
  expect(await call()).toMatchObject({
    status: 201,
    headers: { "sealbase-call": expect.any(String) },
  });
  await home.call("PATCH", `/v1/projects/${home.projectId}`, { score_max: 0.6 });
});

test("a key is the caller's own: another account may use the same", async () => {
  const { home } = system;
  const account = await home.call("POST", "/v1/service-accounts", {
    name: "other caller",
    groups: ["admins"],
  });
  const made = await home.call("POST", "/v1/api-keys", {
    service_account_id: account.body.id,
    name: "k",
  });
  const other = system.as(made.body.key);
  const first = await home.call("POST", "/v1/risk/transactions", payment(), {
    "idempotency-key": "shared",
  });
  const second = await other.call("POST", "/v1/risk/transactions", payment({ amount_cents: 1 }), {
    "idempotency-key": "shared",
  });
  expect(second.status).toBe(201);
  expect(second.body.id).not.toBe(first.body.id);
});

test("each item of an array has its own key", async () => {
  const items = [payment({ external_id: "i0" }), payment({ external_id: "i1" })];
  const first = await keyed("/v1/risk/transactions", items, "array");
  const again = await keyed("/v1/risk/transactions", items, "array");
  expect(again.body).toEqual(first.body);
  expect(await rowsOf("vedic.transactions", "external_id", "i1")).toBe(1);
});

test.each([" ", "with space", "x".repeat(201), "ü"])("a key %j cannot be one", async (key) => {
  const answer = await keyed("/v1/risk/transactions", payment(), key);
  expect([answer.status, answer.body.code]).toEqual([400, "request/bad_idempotency_key"]);
});

test("an API key is shown once and stored nowhere", async () => {
  const { home } = system;
  const account = await home.call("POST", "/v1/service-accounts", { name: "secretive" });
  const body = { service_account_id: account.body.id, name: "k" };
  const first = await keyed("/v1/api-keys", body, "secret");
  const again = await keyed("/v1/api-keys", body, "secret");
  const project = await keyed("/v1/projects", { name: "p", slug: "p" }, "secret-project");
  expect(first.body.key).toMatch(/^sk_/);
  expect(again.body).toEqual({ ...first.body, key: undefined });
  expect(again.headers["idempotency-replayed"]).toBe("true");
  const tables = await system.sql<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'`,
  );
  expect(tables.length).toBeGreaterThan(40);
  for (const { key } of [first.body, project.body]) {
    // A secret may hold underscores of its own.
    const secret = key.split("_").slice(2).join("_");
    expect(secret).toHaveLength(43);
    for (const { name } of tables)
      expect([
        name,
        await system.sql(`select t::text as row from ${name} t where strpos(t::text, $1) > 0`, [
          secret,
        ]),
      ]).toEqual([name, []]);
  }
});
