import fc from "fast-check";
import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Db, Tx } from "#kernel/db.ts";
// Its own files, not its door: what is looked into here is how the ledger finds entries.
import type { OpenLedger } from "../../src/domains/ledger/ledger.ts";
import { FIELDS, type Filter } from "../../src/domains/ledger/search/attributes.ts";
import { Indexer } from "../../src/domains/ledger/search/indexer.ts";
import { findEntries } from "../../src/domains/ledger/search/search.ts";
import { type FilterInput, filterOf } from "../../src/domains/ledger/search/shapes.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  // Here a log is indexed when a test says so.
  await (system.parts.ledger as OpenLedger).indexer.stop();
});
afterAll(() => system.stop());

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

type Asked = { readonly [name: string]: string | undefined };

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

/** Ids on all pages, in the order in which they came. */
async function listed(caller: Caller, asked: Asked, limit = 200): Promise<string[]> {
  const ids: string[] = [];
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams({
    ...Object.fromEntries(given),
    limit: String(limit),
  } as never);
  for (;;) {
    const { status, body } = await caller.call("GET", `/v1/ledger/entries?${query.toString()}`);
    expect([status, body.code]).toEqual([200, undefined]);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    ids.push(...body.items.map(({ id }: { id: string }) => id));
    if (body.next_cursor === null) return ids;
    query.set("cursor", body.next_cursor);
  }
}

const index = ({ projectId }: Caller, db: Db = system.parts.db) =>
  new Indexer({ db, log: system.parts.log }).index(projectId);

const indexedSize = async ({ projectId }: Caller): Promise<number> => {
  const [row] = await system.sql<{ size: string }>(
    "select size from ledger.indexed where tenant_id = $1",
    [projectId],
  );
  return Number(row?.size ?? 0);
};

async function pay(caller: Caller, count: number, more: object = {}): Promise<void> {
  for (let left = count; left > 0; left -= 1_000) {
    const payments = Array.from({ length: Math.min(left, 1_000) }, () => payment(more));
    expect((await caller.call("POST", "/v1/risk/transactions", payments)).status).toBe(207);
  }
}

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
    action: "risk.look",
    resource: { type: "Doc", id: "a:b" },
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

describe("the index", () => {
  const ONE =
    "select term, index from ledger.entry_terms where tenant_id = $1 order by term, index";
  const termsOf = ({ projectId }: Caller) => system.sql(ONE, [projectId]);
  const verified = async (caller: Caller) => {
    const { body } = await caller.call("POST", "/v1/ledger/verify", {});
    return [body.valid, [...new Set(body.findings.map(({ kind }: { kind: string }) => kind))]];
  };
  const filled = async (count = 300): Promise<Caller> => {
    const caller = await system.project();
    await pay(caller, count);
    await sealedEntries(system, caller.projectId);
    return caller;
  };

  test("goes on after an indexer that was stopped in the middle", async () => {
    const caller = await filled(1_100);
    let batches = 0;
    const { db } = system.parts;
    const dying: Db = {
      ...db,
      transaction: (scope, work) =>
        db.transaction(scope, async (tx) => {
          const result = await work(tx);
          if (++batches === 2) throw new Error("killed");
          return result;
        }),
    };
    await expect(index(caller, dying)).rejects.toThrow("killed");
    expect(await indexedSize(caller)).toBe(1_024);
    expect(await listed(caller, { action: "risk" })).toHaveLength(1_100);
    await index(caller);
    expect(await indexedSize(caller)).toBeGreaterThanOrEqual(1_100);
    expect(await verified(caller)).toEqual([true, []]);
  });

  test("made by two servers at once is the one that one makes", async () => {
    const caller = await filled(1_500);
    const other = await system.another();
    await (other.parts.ledger as OpenLedger).indexer.stop();
    await Promise.all([index(caller), index(caller, other.parts.db), index(caller)]);
    await index(caller);
    const both = await termsOf(caller);
    expect(await verified(caller)).toEqual([true, []]);
    await forget(caller);
    await index(caller);
    expect(await termsOf(caller)).toEqual(both);
  });

  const forget = async ({ projectId }: Caller) => {
    for (const table of ["entry_terms", "entry_spans", "indexed"])
      await system.sql(`delete from ledger.${table} where tenant_id = $1`, [projectId]);
  };

  test("that is gone as a whole is made anew, and queries are right in between", async () => {
    const caller = await filled();
    await index(caller);
    const before = await termsOf(caller);
    await forget(caller);
    expect(await listed(caller, { outcome: "done", action: "risk" })).toHaveLength(300);
    expect(await verified(caller)).toEqual([true, []]);
    await index(caller);
    expect(await termsOf(caller)).toEqual(before);
  });

  test("passes over an entry that somebody made unreadable", async () => {
    const caller = await filled(5);
    await system.sql("update ledger.entries set entry = 'x' where tenant_id = $1 and index = 2", [
      caller.projectId,
    ]);
    expect(await listed(caller, { action: "risk" })).toHaveLength(4);
    await index(caller);
    expect(await indexedSize(caller)).toBeGreaterThanOrEqual(5);
    expect(await listed(caller, { action: "risk" })).toHaveLength(4);
    expect((await verified(caller))[0]).toBe(false);
  });

  test("of a system that runs follows by itself", async () => {
    const other = await system.another();
    const caller = await filled(20);
    const own = other.as(caller.key, caller.projectId);
    await pay(own, 1);
    await expect.poll(() => indexedSize(caller), { timeout: 15_000 }).toBeGreaterThanOrEqual(21);
  });

  const HIDE =
    "delete from ledger.entry_terms where tenant_id = $1 and (term, index) in (select term, index from ledger.entry_terms where tenant_id = $1 and index = 7 limit 1)";
  test.each<[string, string, string[]]>([
    ["a term is taken away", HIDE, ["index_missing"]],
    [
      "a term is changed",
      "update ledger.entry_terms set term = term + 1 where tenant_id = $1 and index = 7",
      ["index_missing"],
    ],
    [
      "a term leads elsewhere, too",
      "insert into ledger.entry_terms values ($1, 1, 7)",
      ["index_changed"],
    ],
    [
      "a span is taken away",
      "delete from ledger.entry_spans where tenant_id = $1",
      ["index_missing"],
    ],
    [
      "a span's time is changed",
      "update ledger.entry_spans set latest_ms = latest_ms - 1 where tenant_id = $1",
      ["index_changed"],
    ],
    ["a span is added", "insert into ledger.entry_spans values ($1, 9, 1, 2)", ["index_changed"]],
    [
      "it says that it covers more",
      "update ledger.indexed set size = size + 10 where tenant_id = $1",
      ["index_changed"],
    ],
    [
      "it says other times",
      "update ledger.indexed set earliest_ms = earliest_ms - 1 where tenant_id = $1",
      ["index_changed"],
    ],
  ])("is seen not to fit when %s", async (_, change, kinds) => {
    const caller = await filled();
    await index(caller);
    expect(await verified(caller)).toEqual([true, []]);
    await system.sql(change, [caller.projectId]);
    expect(await verified(caller)).toEqual([false, kinds]);
  });

  test("cannot make an entry appear that does not fit", async () => {
    const caller = await filled(10);
    await pay(caller, 1, { origin_account: "C7" });
    await index(caller);
    const [wanted] = await listed(caller, { resource: "Account:C7" });
    // Every entry is said to have every term of that one.
    await system.sql(
      `insert into ledger.entry_terms select t.tenant_id, t.term, e.index from ledger.entry_terms t join ledger.entries e using (tenant_id)
       where tenant_id = $1 and t.index = 10 on conflict do nothing`,
      [caller.projectId],
    );
    expect(await listed(caller, { resource: "Account:C7" }, 3)).toEqual([wanted]);
  });

  test("leads past entries that somebody took out of the log", async () => {
    const caller = await filled(30);
    await index(caller);
    await system.sql("delete from ledger.entries where tenant_id = $1 and index between 3 and 8", [
      caller.projectId,
    ]);
    expect(await listed(caller, { action: "risk" }, 4)).toHaveLength(24);
    expect(await listed(caller, { action: "risk", order: "oldest" }, 4)).toHaveLength(24);
  });
});

describe("in a long log", () => {
  const COUNT = 20_000;
  let caller: Caller;
  beforeAll(async () => {
    caller = await system.project();
    await pay(caller, 40);
    await pay(caller, 4, { origin_account: "C5", amount_cents: 2_000_000_000 });
    await sealedEntries(system, caller.projectId);
    await index(caller);
    // The same entries again and again, an hour apart, as far as the index can tell.
    const { projectId } = caller;
    const [{ size }] = (await system.sql<{ size: string }>(
      "select size from ledger.heads where tenant_id = $1",
      [projectId],
    )) as [{ size: string }];
    const copies = `generate_series(1, ${Math.ceil(COUNT / Number(size))}) n`;
    await system.sql(
      `insert into ledger.entries select tenant_id, index + n * ${size}, gen_random_uuid(), entry from ledger.entries, ${copies} where tenant_id = $1`,
      [projectId],
    );
    await system.sql(
      `insert into ledger.entry_terms select tenant_id, case when index < 40 then term else term + n end, index + n * ${size} from ledger.entry_terms, ${copies} where tenant_id = $1`,
      [projectId],
    );
    await system.sql(
      `insert into ledger.entry_spans select $1, n, 1000 * n, 1000 * n + 999 from generate_series(0, ${COUNT} / 256) n`,
      [projectId],
    );
    for (const table of ["heads", "indexed"])
      await system.sql(`update ledger.${table} set size = ${COUNT} where tenant_id = $1`, [
        projectId,
      ]);
    await system.sql(
      "analyze ledger.entries, ledger.entry_terms, ledger.entry_spans, ledger.payloads, ledger.heads, ledger.indexed",
    );
  });

  /** What PostgreSQL would do for each statement of a search, its names of scans. */
  async function scansOf(filter: Filter, newestFirst: boolean): Promise<string[]> {
    const { db } = system.parts;
    return db.transaction({ role: "reader", tenantId: caller.projectId }, async (tx) => {
      const sent: CompiledQuery[] = [];
      const watched = {
        executeQuery: (one: CompiledQuery) => (sent.push(one), tx.executeQuery(one)),
      } as unknown as Tx;
      await findEntries(watched, {
        filter,
        from: 0,
        to: COUNT,
        newestFirst,
        limit: 50,
        bytesMax: 2 ** 20,
      });
      expect(sent.length).toBeGreaterThan(1);
      const plans = await Promise.all(
        sent.map(({ sql, parameters }) =>
          tx.executeQuery<{ "QUERY PLAN": string }>(
            CompiledQuery.raw(`explain ${sql}`, [...parameters]),
          ),
        ),
      );
      return (
        plans
          .flatMap(({ rows }) => rows.map((row) => row["QUERY PLAN"]))
          // A note of times is a small part of the log: reading all of them may be the quickest.
          .filter((line) => /Seq Scan on (?!entry_spans|indexed|heads)/.test(line))
      );
    });
  }

  test.each<FilterInput>([
    { request: "r-1" },
    { actor: "own", outcome: "refused" },
    { action: "risk", kind: "call" },
    { resource: "Account:C5", outcome: "refused" },
    { since: "1970-01-01T00:00:05Z", until: "1970-01-01T00:00:09Z" },
    { action: "risk.transaction.assess", since: "1970-01-01T00:00:05Z" },
  ])("%j is found without reading a table from one end to the other", async (asked) => {
    const { body } = await caller.call("GET", "/v1/ledger/entries?limit=1");
    const actor = asked.actor === undefined ? {} : { actor: body.items[0].actor };
    for (const newestFirst of [true, false])
      expect(await scansOf(filterOf({ ...asked, ...actor }), newestFirst)).toEqual([]);
  });

  test("more than can be looked through one by one is refused until it is indexed", async () => {
    const set = (size: number) =>
      system.sql("update ledger.indexed set size = $2 where tenant_id = $1", [
        caller.projectId,
        size,
      ]);
    await set(COUNT - 4_097);
    const { status, body } = await caller.call("GET", "/v1/ledger/entries?action=risk");
    expect([status, body.code, body.facts]).toEqual([
      503,
      "action/index_behind",
      { indexed_size: COUNT - 4_097, size: COUNT },
    ]);
    expect((await caller.call("GET", "/v1/ledger/entries")).status).toBe(200);
    await set(COUNT - 4_096);
    expect((await caller.call("GET", "/v1/ledger/entries?action=risk")).status).toBe(200);
  });
});
