import { randomUUID } from "node:crypto";
import type { CompiledQuery } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyLog } from "#domains/ledger";
import type { Tx } from "#kernel/db.ts";
import { activatePolicies, validatedPolicies } from "../policies.ts";
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

const permit = (group: string) => ({
  effect: "permit",
  principal: { op: "in", entity: { type: "Group", id: group } },
  action: { op: "All" },
  resource: { op: "All" },
  conditions: [],
});

/** A key of a new service account in these groups. */
async function keyOf(admin: Caller, ...groups: string[]): Promise<Caller> {
  const name = `account ${randomUUID()}`;
  const account = await admin.call("POST", "/v1/service-accounts", { name, groups });
  const key = { service_account_id: account.body.id, name: "key" };
  const made = await admin.call("POST", "/v1/api-keys", key);
  return system.as(made.body.key, admin.projectId);
}

describe("what somebody asks about gives nobody rights", () => {
  test.for([
    ["control-plane.service-account.create", "Project"],
    ["control-plane.api-key.create", "ServiceAccount"],
    ["authz.policy-version.activate", "PolicySet"],
    ["control-plane.project.create", "Organization"],
  ] as const)("%s stays a write after it was asked about", async ([action, type]) => {
    const admin = await system.project();
    const [service, auditor] = [await keyOf(admin, "services"), await keyOf(admin, "auditors")];
    const fresh = await system.another();
    const ask = { principal: { type: "User", id: "a" }, action, resource: { type, id: "1" } };
    const context = action === "control-plane.service-account.create" ? { groups: [] } : {};
    expect(
      (await fresh.as(service.key).call("POST", "/v1/decisions", { ...ask, context })).status,
    ).toBe(201);
    const denied = await fresh
      .as(auditor.key)
      .call("POST", "/v1/service-accounts", { name: "me", groups: ["admins"] });
    expect([denied.status, denied.body.code]).toEqual([403, "policy/denied"]);
  });
});

describe("a connection that is lost", () => {
  test("under load costs no call twice and ends no process", async () => {
    const caller = await system.project();
    const keys = Array.from({ length: 200 }, (_, i) => `lost-${i}`);
    const send = async (key: string) => {
      for (let attempt = 1; ; attempt++) {
        const answer = await caller.call("POST", "/v1/risk/transactions", payment(), {
          "idempotency-key": key,
          prefer: "wait=durable",
        });
        if (answer.status !== 503 || attempt === 20) return answer;
      }
    };
    const answers = Promise.all(keys.map(send));
    for (let round = 0; round < 5; round++) {
      await system.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sealbase' and datname = current_database() and state <> 'idle' limit 2",
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const done = await answers;
    expect(new Set(done.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(done.map(({ body }) => body.id)).size).toBe(keys.length);
    const entries = await sealedEntries(system, caller.projectId);
    expect(entries.filter(({ action }) => action === "risk.transaction.assess")).toHaveLength(
      keys.length,
    );
  });

  test("while a log is verified fails that call alone, also when the page ahead is the one that fails", async () => {
    const caller = await system.project();
    for (let i = 0; i < 2; i++) {
      const payments = Array.from({ length: 600 }, () => payment());
      await caller.call("POST", "/v1/risk/transactions", payments);
    }
    const scope = { role: "reader", tenantId: caller.projectId } as const;
    const verified = system.parts.db.transaction(scope, (tx) => verifyLog(failingAt(tx, 1_000)));
    await expect(verified).rejects.toThrow("cancelled");
    expect((await caller.call("POST", "/v1/ledger/verify")).body).toMatchObject({ valid: true });
  });
});

/** A transaction in which reading entries from this place on fails at once. */
const failingAt = (tx: Tx, place: number): Tx =>
  new Proxy(tx, {
    get(target, name) {
      if (name !== "executeQuery") return Reflect.get(target, name);
      return (query: CompiledQuery) =>
        query.sql.includes("e.index >= $1") && query.parameters[0] === place
          ? Promise.reject(new Error("cancelled"))
          : target.executeQuery(query);
    },
  });

test("no project's verifications take the place of another's", async () => {
  const [one, other] = [await system.project(), await system.project()];
  const payments = Array.from({ length: 900 }, () => payment());
  await one.call("POST", "/v1/risk/transactions", payments);
  const answers = await Promise.all([
    ...Array.from({ length: 4 }, () => one.call("POST", "/v1/ledger/verify")),
    other.call("POST", "/v1/ledger/verify"),
  ]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503, 503, 503]);
  expect(answers.at(-1)!.status).toBe(200);
});

test("a log is verified once at a time, more are told to wait, and other calls go on", async () => {
  const caller = await system.project();
  const payments = Array.from({ length: 900 }, () => payment());
  await caller.call("POST", "/v1/risk/transactions", payments);
  const [me, ...answers] = await Promise.all([
    caller.call("GET", "/v1/me"),
    ...Array.from({ length: 6 }, () => caller.call("POST", "/v1/ledger/verify")),
  ]);
  expect(me!.status).toBe(200);
  const busy = answers.filter(({ status }) => status === 503);
  expect(busy.length).toBeGreaterThan(0);
  expect(new Set(busy.map(({ body }) => body.code))).toEqual(new Set(["action/verification_busy"]));
  expect((await caller.call("POST", "/v1/ledger/verify")).body).toMatchObject({ valid: true });
});

test("nothing that was decided on older policies is done after a lockdown", async () => {
  const admin = await system.project();
  const editor = await keyOf(admin, "editors");
  const open = { staticPolicies: { admins: permit("admins"), editors: permit("editors") } };
  const locked = { staticPolicies: { admins: permit("admins") } };
  const numberOf = async (document: object): Promise<number> =>
    (await validatedPolicies(admin, document)).body.version.number;
  expect((await activatePolicies(admin, open)).status).toBe(200);
  const closing = await numberOf(locked);
  const openings: number[] = [];
  for (let i = 0; i < 6; i++) openings.push(await numberOf(open));
  const activate = (caller: Caller, number: number) =>
    caller.call("POST", `/v1/policies/default/versions/${number}/activate`, {
      without_preview: "a test",
    });
  // Each that is done makes the others be decided again, and that is not tried for ever.
  const activateAtLast = async (caller: Caller, number: number): Promise<Answer> => {
    const answer = await activate(caller, number);
    return answer.status === 503 ? activateAtLast(caller, number) : answer;
  };
  for (let round = 0; round < 8; round++) {
    await activate(admin, openings[round % 6]!);
    await editor.call("GET", "/v1/me");
    const [lockdown] = await Promise.all([
      activateAtLast(admin, closing),
      ...openings.map((number) => activate(editor, number)),
    ]);
    expect(lockdown!.status).toBe(200);
    // Whatever an editor did was before it.
    expect((await admin.call("GET", "/v1/policies/default")).body.number).toBe(closing);
    expect((await activate(editor, openings[0]!)).status).toBe(403);
  }
});

test("a denied call is recorded, also with a key that another call was done with", async () => {
  const admin = await system.project();
  const service = await keyOf(admin, "services");
  const key = { "idempotency-key": "mine" };
  expect((await service.call("POST", "/v1/risk/transactions", payment(), key)).status).toBe(201);
  const denied = await service.call("POST", "/v1/service-accounts", { name: "x" }, key);
  expect([denied.status, denied.body.code]).toEqual([403, "policy/denied"]);
  const entries = await sealedEntries(system, admin.projectId);
  expect(entries.filter(({ outcome }) => outcome === "refused")).toHaveLength(1);
});

test("a forged key writes one event a minute, however often it is tried", async () => {
  const caller = await system.project();
  const forged = system.as(caller.key.slice(0, -4).concat("AAAA"));
  for (let i = 0; i < 30; i++) expect((await forged.call("GET", "/v1/me")).status).toBe(401);
  await system.parts.suspicions.flush();
  const rows = await system.sql(
    "select from telemetry.security_events where tenant_id = $1 and kind = 'key_forged'",
    [caller.projectId],
  );
  expect(rows).toHaveLength(1);
});

describe("input that only looks valid", () => {
  test.for(["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1850-01-01T00:00:00Z"])(
    "a time of %s is refused",
    async (occurred_at) => {
      const answer = await system.home.call(
        "POST",
        "/v1/risk/transactions",
        payment({ occurred_at }),
      );
      expect([answer.status, answer.body.code]).toEqual([400, "request/invalid"]);
    },
  );

  test("any offset is taken, and kept as UTC", async () => {
    const odd = payment({ occurred_at: "2026-01-01T00:00:00+23:00" });
    expect((await system.home.call("POST", "/v1/risk/transactions", odd)).status).toBe(201);
  });

  test("a path that is too long is a refusal, not a failure", async () => {
    const answer = await system.home.call("GET", `/v1/projects/${"a".repeat(600)}`);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toMatch(/^request\//);
  });

  test("a key that is too long for the last item of an array is refused before the first is done", async () => {
    const caller = await system.project();
    const answer = await caller.call(
      "POST",
      "/v1/risk/transactions",
      Array.from({ length: 11 }, () => payment()),
      {
        "idempotency-key": "k".repeat(198),
      },
    );
    expect([answer.status, answer.body.code]).toEqual([400, "request/bad_idempotency_key"]);
    expect(await sealedEntries(system, caller.projectId)).toEqual([]);
  });
});
