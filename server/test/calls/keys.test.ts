import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";

let system: TestSystem;
let second: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  second = await system.another();
});
afterAll(() => system.stop());

let count = 0;
async function newKey(more: object = {}): Promise<{ key: string; id: string; account: string }> {
  const account = await system.home.call("POST", "/v1/service-accounts", {
    name: `a${count++}`,
    groups: ["admins"],
  });
  const made = await system.home.call("POST", "/v1/api-keys", {
    service_account_id: account.body.id,
    name: "k",
    ...more,
  });
  expect(made.status).toBe(201);
  return { key: made.body.key, id: made.body.id, account: account.body.id };
}

const forged = (key: string) => `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`;
const late = { expires_at: new Date(Date.now() - 1_000).toISOString() };

interface Case {
  readonly name: string;
  readonly credential: () => Promise<string>;
  /** Kind of the event that its project is warned with; null when it belongs to none. */
  readonly event: string | null;
}

const CASES: Case[] = [
  { name: "no key", credential: async () => "", event: null },
  { name: "something else", credential: async () => "password", event: null },
  {
    name: "a key that nobody has",
    credential: async () => `sk_zzzzzzzzzzzz_${"A".repeat(43)}`,
    event: null,
  },
  {
    name: "a forged secret",
    credential: async () => forged((await newKey()).key),
    event: "key_forged",
  },
  {
    name: "an expired key",
    credential: async () => (await newKey(late)).key,
    event: "key_expired",
  },
  {
    name: "a revoked key",
    async credential() {
      const { key, id } = await newKey();
      await system.home.call("DELETE", `/v1/api-keys/${id}`);
      return key;
    },
    event: "key_revoked",
  },
  {
    name: "a key of a disabled account",
    async credential() {
      const { key, account } = await newKey();
      await system.sql(
        "update control_plane.service_accounts set disabled_at = now() where id = $1",
        [account],
      );
      return key;
    },
    event: "account_disabled",
  },
];

describe("is refused like any other bad key", () => {
  test.each(CASES)("$name", async ({ name, credential, event }) => {
    const caller = system.as(await credential());
    const requestId = `keys-${name.replaceAll(" ", "-")}`;
    const answer = await caller.call("POST", "/v1/risk/transactions", payment(), {
      "x-request-id": requestId,
    });
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
    expect({ ...answer.body, request_id: "" }).toEqual({
      type: "urn:sealbase:refusal:request/unauthenticated",
      title: "No valid API key came with this call",
      status: 401,
      code: "request/unauthenticated",
      facts: {},
      help: expect.stringContaining("Authorization"),
      request_id: "",
    });
    expect(answer.status).toBe(401);
    await system.parts.suspicions.flush();
    const events = await system.sql<{ kind: string; tenant_id: string; facts: string }>(
      "select kind, tenant_id, facts from telemetry.security_events where request_id = $1",
      [requestId],
    );
    expect(events.map(({ kind, tenant_id }) => [kind, tenant_id])).toEqual(
      event === null ? [] : [[event, system.home.projectId]],
    );
    for (const { facts } of events)
      expect(facts).not.toContain(caller.key.split("_").slice(2).join("_"));
  });
});

/** A change that ends a key: after its answer no call may be done, not even through a system that knows the key. */
async function endsAtOnce(
  change: (made: { key: string; id: string; account: string }) => Promise<unknown>,
): Promise<void> {
  const made = await newKey();
  const ways: Caller[] = [system.as(made.key), second.as(made.key)];
  for (const way of ways)
    expect((await way.call("POST", "/v1/risk/transactions", payment())).status).toBe(201);
  await change(made);
  const answers = await Promise.all(
    ways.flatMap((way) => [
      way.call("POST", "/v1/risk/transactions", payment()),
      way.call("GET", "/v1/me"),
      way.call("POST", "/v1/service-accounts", { name: `late ${randomUUID()}` }),
    ]),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401));
}

test("a revoked key ends at once, also where it is remembered", async () => {
  for (let round = 0; round < 5; round++)
    await endsAtOnce(({ id }) => system.home.call("DELETE", `/v1/api-keys/${id}`));
});

test("a disabled account ends at once, also where it is remembered", () =>
  endsAtOnce(async ({ account }) => {
    await system.sql(
      "update control_plane.service_accounts set disabled_at = now() where id = $1",
      [account],
    );
    await system.sql("update control_plane.projects set revision = revision + 1 where id = $1", [
      system.home.projectId,
    ]);
  }));

test("revoking is sealed, and doing it twice keeps the first time", async () => {
  const { id } = await newKey();
  const first = await system.home.call("DELETE", `/v1/api-keys/${id}`);
  const second_ = await system.home.call("DELETE", `/v1/api-keys/${id}`);
  expect(first.body.revoked_at).toMatch(/^2/);
  expect(second_.body.revoked_at).toBe(first.body.revoked_at);
});

test("a key ends when its time comes, also where it is remembered", async () => {
  const { key } = await newKey({ expires_at: new Date(Date.now() + 1_500).toISOString() });
  const call = () =>
    system
      .as(key)
      .call("GET", "/v1/me")
      .then(({ status }) => status);
  expect(await call()).toBe(200);
  await expect.poll(call, { timeout: 4_000 }).toBe(401);
});
