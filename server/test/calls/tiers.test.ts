import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

interface Template {
  readonly name: string;
  readonly text: string;
}

/** A project that is ruled by the templates of these tiers alone: `ops` may do everything that they let anybody do. */
async function ruledBy(...tiers: string[]): Promise<Caller> {
  const caller = await system.project();
  const { body } = await caller.call("GET", "/v1/policies/templates?limit=100");
  const rules = (body.items as Template[]).filter(({ name }) =>
    tiers.includes(/^(t\d)-/.exec(name)?.[1] ?? ""),
  );
  const links = rules.map(({ name }) => ({
    templateId: name,
    newId: `${name}-ops`,
    values: { "?principal": { type: "Group", id: "ops" } },
  }));
  const version = { text: rules.map(({ text }) => text).join("\n"), links };
  const { body: made } = await caller.call("POST", "/v1/policies/default/versions", version);
  const path = `/v1/policies/default/versions/${made.number}`;
  expect((await caller.call("POST", `${path}/validate`, {})).body.valid).toBe(true);
  keys.set(caller.projectId, await keysOf(caller));
  const reason = {
    without_way_back: "keys of other kinds can",
    without_preview: "a project of tests",
  };
  expect((await caller.call("POST", `${path}/activate`, reason)).status).toBe(200);
  return caller;
}

const SOON = new Date(Date.now() + 3_600_000).toISOString();
const METHODS = ["api_key", "password", "mfa", "passkey"] as const;
const TIERS = ["T1", "T2", "T3", "T4"] as const;

const keys = new Map<string, ReadonlyMap<string, Caller>>();

/** Keys of one account in `ops`, of every method and tier, with a step-up and without. */
async function keysOf(caller: Caller): Promise<ReadonlyMap<string, Caller>> {
  const { body: account } = await caller.call("POST", "/v1/service-accounts", {
    name: "ops",
    groups: ["ops"],
  });
  const made = new Map<string, Caller>();
  for (const auth_method of METHODS)
    for (const auth_tier of TIERS)
      for (const stepUp of [true, false]) {
        const { body } = await caller.call("POST", "/v1/api-keys", {
          service_account_id: account.id,
          name: "k",
          auth_method,
          auth_tier,
          ...(stepUp ? { step_up_until: SOON } : {}),
        });
        const name = `${auth_tier} ${auth_method}${stepUp ? " stepped up" : ""}`;
        made.set(name, system.as(body.key, caller.projectId));
      }
  return made;
}

const WORK: Readonly<Record<string, (caller: Caller) => Promise<{ status: number }>>> = {
  read: (caller) => caller.call("GET", "/v1/ledger/entries"),
  write: (caller) => caller.call("POST", "/v1/ledger/audits", {}),
  admin: (caller) => caller.call("POST", "/v1/service-accounts", { name: `a ${randomUUID()}` }),
  txn: (caller) => caller.call("POST", "/v1/risk/transactions", payment()),
};

/** Of each kind of work, with which keys it is done. */
async function allowed(caller: Caller): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [kind, work] of Object.entries(WORK)) {
    const done = [...keys.get(caller.projectId)!].map(async ([name, key]) => {
      const { status } = await work(key);
      return status < 300 ? [name] : [];
    });
    found[kind] = (await Promise.all(done)).flat().sort();
  }
  return found;
}

const every = (tier: string, ...methods: readonly string[]) =>
  methods.flatMap((method) => [`${tier} ${method}`, `${tier} ${method} stepped up`]).sort();

// The reference's table: who signed in how may do what, in each tier.
describe("the rules of the tiers, by calls with keys of every kind", () => {
  test.each<[string, Record<string, string[]>]>([
    [
      "t1",
      {
        read: every("T1", ...METHODS),
        write: every("T1", ...METHODS),
        admin: every("T1", "password", "mfa", "passkey"),
        txn: [],
      },
    ],
    [
      "t2",
      {
        read: every("T2", ...METHODS),
        write: every("T2", ...METHODS),
        admin: every("T2", "mfa", "passkey"),
        txn: [],
      },
    ],
    [
      "t3",
      {
        read: every("T3", ...METHODS),
        write: every("T3", ...METHODS),
        admin: ["T3 mfa stepped up", "T3 passkey stepped up"],
        txn: ["T3 mfa stepped up", "T3 passkey stepped up"],
      },
    ],
    [
      "t4",
      {
        read: every("T4", ...METHODS),
        write: every("T4", ...METHODS),
        admin: ["T4 passkey stepped up"],
        txn: ["T4 passkey stepped up"],
      },
    ],
  ])("%s", async (tier, want) => {
    expect(await allowed(await ruledBy(tier))).toEqual(want);
  });
});
