import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Db } from "#kernel/db.ts";
// Its own files, not its door: what is looked into here is how the ledger finds entries.
import type { OpenLedger } from "../../src/domains/ledger/ledger.ts";
import { FIELDS } from "../../src/domains/ledger/search/attributes.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";
import { type Asked, indexLog, listed, pay, sizeIndexed } from "./query.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  // Here a log is indexed when a test says so.
  await (system.parts.ledger as OpenLedger).indexer.stop();
});
afterAll(() => system.stop());

const index = (caller: Caller, db?: Db) => indexLog(system, caller, db);
const indexedSize = (caller: Caller) => sizeIndexed(system, caller);

interface Row {
  readonly index: number;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into entries freely
  readonly entry: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly payload: any;
}

/** Every entry, read without any of the code that finds them. */
async function rowsOf({ projectId }: Caller): Promise<Row[]> {
  await sealedEntries(system, projectId);
  const rows = await system.sql<{ index: string; id: string; entry: Buffer; payload: string }>(
    `select e.index, e.id, e.entry, p.payload from ledger.entries e
     left join ledger.payloads p on p.tenant_id = e.tenant_id and p.entry_id = e.id where e.tenant_id = $1 order by e.index`,
    [projectId],
  );
  return rows.map(({ index, id, entry, payload }) => ({
    index: Number(index),
    id,
    entry: JSON.parse(entry.toString()),
    payload: JSON.parse(payload),
  }));
}

/** The same question, asked of one entry after the other. */
const NAIVE: Record<string, (row: Row, value: string) => boolean> = {
  request: ({ entry }, value) => entry.refs.request === value,
  actor: ({ entry }, value) => entry.actor === value,
  action: ({ entry }, value) => `${entry.action}.`.startsWith(`${value}.`),
  kind: ({ entry }, value) => entry.kind === value,
  outcome: ({ entry }, value) => entry.outcome === value,
  resource: ({ entry, payload }, value) => {
    const { type, id } = payload.decision?.resource ?? {};
    const refs = {
      Job: entry.refs.job,
      Transaction: entry.refs.transaction,
      AgentSession: entry.refs.agent_session,
      ApiKey: entry.refs.api_key,
    };
    return (
      `${type}:${id}` === value ||
      Object.entries(refs).some(([of, ref]) => `${of}:${ref}` === value)
    );
  },
  session: (row, value) =>
    row.entry.actor === `AgentSession:${value}` || NAIVE["resource"]!(row, `AgentSession:${value}`),
  since: ({ entry }, value) => Date.parse(entry.time) >= Date.parse(value),
  until: ({ entry }, value) => Date.parse(entry.time) < Date.parse(value),
};

const naive = (rows: readonly Row[], asked: Asked): string[] =>
  rows
    .filter((row) =>
      Object.entries(asked).every(
        ([name, value]) => value === undefined || NAIVE[name]!(row, value),
      ),
    )
    .map(({ id }) => id);

/** Calls of every kind that leaves an entry. */
async function mixed(caller: Caller): Promise<void> {
  const { body: session } = await caller.call("POST", "/v1/agent-sessions", {
    name: "agent",
    writes: ["risk"],
    calls_max: 100,
  });
  const agent = system.as(session.key);
  await pay(caller, 20, { origin_account: "C1" });
  await pay(caller, 3, { origin_account: "C2", amount_cents: 2_000_000_000 });
  await pay(agent, 4, { origin_account: "C2" });
  await agent.call("POST", "/v1/agent-sessions", { name: "more", writes: ["risk"] });
  await caller.call("POST", "/v1/risk/transactions", payment(), { "x-request-id": "r-1" });
  await caller.call("POST", "/v1/risk/transactions", payment(), { "x-request-id": "r-1" });
  await caller.call("POST", "/v1/decisions", {
    principal: { type: "User", id: "ada" },
    action: "ledger.entry.get",
    resource: { type: "Entry", id: "a:b" },
  });
  const { body: job } = await caller.call("POST", "/v1/ledger/audits", {});
  await caller.call("POST", `/v1/jobs/${job.id}/cancel`, {});
  const { key } = caller;
  await system.as(`${key.slice(0, -2)}${key.endsWith("AA") ? "BB" : "AA"}`).call("GET", "/v1/me");
  await caller.call("DELETE", `/v1/agent-sessions/${session.id}`);
  await caller.call("GET", "/v1/me");
  await system.parts.suspicions.flush();
  await system.parts.reads.flush(true);
}

describe("entries", () => {
  test("are found by each filter and any of them together, wherever the index ends", {
    timeout: 120_000,
  }, async () => {
    const caller = await system.project();
    await mixed(caller);
    await pay(caller, 500);
    await mixed(caller);
    await index(caller);
    const indexed = await indexedSize(caller);
    expect(indexed).toBeGreaterThan(512);
    await mixed(caller);
    const rows = await rowsOf(caller);
    const kinds = new Set(rows.map(({ entry }) => entry.kind));
    expect(kinds).toEqual(new Set(["call", "refusal", "event", "reads"]));
    expect(rows.length).toBeGreaterThan(indexed);

    const values: Record<string, Set<string>> = {};
    const add = (name: string, value: string | undefined) =>
      value !== undefined && (values[name] ??= new Set()).add(value);
    for (const { entry, payload } of rows) {
      for (const name of ["actor", "action", "kind", "outcome"]) add(name, entry[name]);
      add("action", entry.action.split(".")[0]);
      add("action", entry.action.split(".").slice(0, 2).join("."));
      add("request", entry.refs.request);
      const resource = payload.decision?.resource;
      add("resource", resource && `${resource.type}:${resource.id}`);
      add("resource", entry.refs.job && `Job:${entry.refs.job}`);
      add("resource", entry.refs.transaction && `Transaction:${entry.refs.transaction}`);
      add("session", entry.refs.agent_session);
      add("since", entry.time);
      add("until", entry.time);
    }
    for (const name of FIELDS) add(name, name === "session" ? rows[0]!.id : undefined);

    // Every value of every filter, by itself; of those with a value an entry, some.
    for (const [name, all] of Object.entries(values))
      for (const value of [...all].filter((_, i) => i < 10 || i % 40 === 0)) {
        const want = naive(rows, { [name]: value });
        expect([name, value, await listed(caller, { [name]: value, order: "oldest" })]).toEqual([
          name,
          value,
          want,
        ]);
      }

    // The first and the last moment of what is noted together.
    for (const span of [rows.slice(0, 256), rows.slice(256, 512)]) {
      const times = span.map(({ entry }) => Date.parse(entry.time));
      for (const edge of [Math.min(...times), Math.max(...times)]) {
        const since = new Date(edge).toISOString();
        const until = new Date(edge + 1).toISOString();
        const one = { since, until, order: "oldest" };
        expect(await listed(caller, one)).toEqual(naive(rows, { since, until }));
        expect(await listed(caller, { ...one, action: "risk" })).toEqual(
          naive(rows, { since, until, action: "risk" }),
        );
      }
    }

    const asked = fc.record(
      Object.fromEntries(
        Object.entries(values).map(([name, all]) => [
          name,
          fc.option(fc.constantFrom(...all), { nil: undefined, freq: 1 }),
        ]),
      ),
    );
    const page = fc.constantFrom(7, 60, 200);
    const known = new Set(rows.map(({ id }) => id));
    await fc.assert(
      fc.asyncProperty(asked, fc.boolean(), page, async (one, isOldest, limit) => {
        const want = naive(rows, one);
        const order = isOldest ? "oldest" : "newest";
        // So many reads are sealed, too: they are newer than what is compared.
        const got = (await listed(caller, { ...one, order }, limit)).filter((id) => known.has(id));
        expect(got).toEqual(isOldest ? want : want.toReversed());
      }),
      { numRuns: 150 },
    );
  });

  test("by a group of actions are not those whose name only begins alike", async () => {
    const caller = await system.project();
    await pay(caller, 2);
    expect(await listed(caller, { action: "risk.trans" })).toEqual([]);
    expect(await listed(caller, { action: "risk.transaction" })).toHaveLength(2);
  });

  test.each([
    ["kind=none", "request/invalid"],
    ["since=yesterday", "request/invalid"],
    ["session=1", "request/invalid"],
    ["order=random", "request/invalid"],
    ["actor=", "request/invalid"],
    ["colour=red", "request/invalid"],
    ["cursor=x", "request/bad_cursor"],
  ])("%s is refused: %s", async (query, code) => {
    const { body } = await system.home.call("GET", `/v1/ledger/entries?${query}`);
    expect(body.code).toBe(code);
  });

  test("on pages that are read while the log grows come once each", async () => {
    const caller = await system.project();
    await pay(caller, 60);
    await index(caller);
    let growing = true;
    const grow = (async () => {
      while (growing) {
        await pay(caller, 5);
        await index(caller);
      }
    })();
    try {
      const { body } = await caller.call("GET", "/v1/ledger/entries?action=risk&limit=1");
      const newest: number = body.items[0].index;
      const down = await listed(caller, { action: "risk" }, 7);
      const up = await listed(caller, { action: "risk", order: "oldest" }, 7);
      const rows = await rowsOf(caller);
      const all = naive(rows, { action: "risk" });
      const first = rows.find(({ id }) => id === down[0])!;
      expect(first.index).toBeGreaterThanOrEqual(newest);
      expect(down).toEqual(naive(rows.slice(0, first.index + 1), { action: "risk" }).toReversed());
      expect(up).toEqual(all.slice(0, up.length));
      expect(up.length).toBeGreaterThanOrEqual(down.length);
    } finally {
      growing = false;
      await grow;
    }
  });

  test("are there for who wrote them as soon as the call has returned", async () => {
    const caller = await system.project();
    for (let i = 0; i < 5; i++) {
      const { headers } = await caller.call("POST", "/v1/risk/transactions", payment(), {
        "x-request-id": `own-${i}`,
      });
      expect(await listed(caller, { request: `own-${i}` })).toEqual([headers["sealbase-call"]]);
      if (i === 2) await index(caller);
    }
  });

  test("whose payload was erased, or is not the one that was sealed, are found by no resource", async () => {
    const caller = await system.project();
    await pay(caller, 3, { origin_account: "C9" });
    await index(caller);
    const [first, second, third] = await listed(caller, { resource: "Account:C9" });
    await system.sql("delete from ledger.payloads where entry_id = $1", [first]);
    await system.sql(
      "update ledger.payloads set payload = replace(payload, '12345', '54321') where entry_id = $1",
      [second],
    );
    expect(await listed(caller, { resource: "Account:C9" })).toEqual([third]);
    expect(await listed(caller, { action: "risk" })).toEqual([first, second, third]);
  });
});

test("a page is bounded in bytes, and says that there is more", async () => {
  const caller = await system.project();
  await pay(caller, 8);
  await index(caller);
  const ids = await listed(caller, {});
  await system.sql(
    "update ledger.payloads set payload = to_json(repeat('x', 1500000))::text where tenant_id = $1",
    [caller.projectId],
  );
  for (const asked of ["order=newest", "order=oldest", "kind=call"]) {
    const { body } = await caller.call("GET", `/v1/ledger/entries?limit=200&${asked}`);
    expect([asked, body.items.length]).toEqual([asked, 3]);
    expect(body.next_cursor).not.toBeNull();
  }
  const found = await listed(caller, {}, 3);
  expect(found.filter((id) => ids.includes(id))).toEqual(ids);
});

test("entries that name a log's next key are found by their kind", async () => {
  expect(await listed(await system.project(), { kind: "rollover" })).toEqual([]);
});
