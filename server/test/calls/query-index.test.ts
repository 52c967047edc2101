import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Db, Tx } from "#kernel/db.ts";
// Its own files, not its door: what is looked into here is how the ledger finds entries.
import type { OpenLedger } from "../../src/domains/ledger/ledger.ts";
import type { Filter } from "../../src/domains/ledger/search/attributes.ts";
import { findEntries } from "../../src/domains/ledger/search/search.ts";
import { type FilterInput, filterOf } from "../../src/domains/ledger/search/shapes.ts";
import { type Caller, openTestSystem, sealedEntries, type TestSystem } from "../system.ts";
import { indexLog, listed, pay, sizeIndexed } from "./query.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  // Here a log is indexed when a test says so.
  await (system.parts.ledger as OpenLedger).indexer.stop();
});
afterAll(() => system.stop());

const index = (caller: Caller, db?: Db) => indexLog(system, caller, db);
const indexedSize = (caller: Caller) => sizeIndexed(system, caller);

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
    expect(both.length).toBeGreaterThan(1_500 * 8);
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
    const caller = await filled(150);
    await index(caller);
    // The last ones of those that are looked up together.
    await system.sql(
      "delete from ledger.entries where tenant_id = $1 and (index between 55 and 70 or index between 80 and 90)",
      [caller.projectId],
    );
    expect(await listed(caller, { action: "risk" }, 60)).toHaveLength(123);
    expect(await listed(caller, { action: "risk", order: "oldest" }, 60)).toHaveLength(123);
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
      `insert into ledger.entry_terms select tenant_id, case when index < 40 then term else term + n end, index + n * ${size} from ledger.entry_terms, ${copies} where tenant_id = $1 on conflict do nothing`,
      [projectId],
    );
    await system.sql(
      `insert into ledger.entry_spans select $1, n, 1000 * n, 1000 * n + 999 from generate_series(0, ${COUNT} / 256) n on conflict do nothing`,
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
