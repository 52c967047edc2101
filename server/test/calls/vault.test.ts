import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { V1_EMPTY_ROOT, V1_GENESIS, v1Hash, v1Root, verifyV1Proof } from "#verifier";
import {
  type Answer,
  type Caller,
  openTestSystem,
  sealedEntries,
  type TestSystem,
} from "../system.ts";
import { seal, vaultOf, verify } from "../vault.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const HASH = /^[0-9a-f]{64}$/;
const NOTICE = {
  vault_backend: "postgres",
  authority_notice: expect.stringContaining("no authority"),
};

const get = async (caller: Caller, path: string) =>
  (await caller.call("GET", `/v1/vault/${path}`)).body;
const numbers = (entries: { sequence: number }[]) => entries.map(({ sequence }) => sequence);
const voided = (reason: string | RegExp) => ({
  operation: "error",
  verdict: "VOID",
  reason: typeof reason === "string" ? reason : expect.stringMatching(reason),
});

test("what one tenant sent changes no key that another seals", async () => {
  const [one, other] = [await system.project(), await system.project()];
  const fresh = `fresh${crypto.randomUUID()}`;
  const sealed = async (caller: Caller, key: string) => {
    const payload = `{"${fresh}":1,"${key}":2}`;
    const text = `{"session_id":"s","payload":${payload}}`;
    expect((await caller.call("POST", "/v1/vault/entries", text)).status).toBe(201);
    const [entry] = (await get(caller, "entries")).entries;
    return entry.seal_data;
  };
  expect(await sealed(one, "name\\\\")).toEqual({ [fresh]: 1, "name\\": 2, target: "seal" });
  expect(await sealed(other, "name\\u00e9")).toEqual({ [fresh]: 1, nameé: 2, target: "seal" });
});

describe("an empty vault", () => {
  test("verifies: its root is that of nothing", async () => {
    const caller = await system.project();
    expect(await verify(caller)).toEqual({
      operation: "verify",
      verdict: "SEAL",
      valid: true,
      merkle_root: V1_EMPTY_ROOT,
      entries: 0,
      checked_count: 0,
      first_invalid_seq: null,
      reason: null,
      ...NOTICE,
    });
    expect(await get(caller, "entries")).toMatchObject({ entries: [], has_more: false });
  });
});

describe("seal", () => {
  test("answers as the earlier vault did, and the entry's text is what was hashed", async () => {
    const caller = await system.project();
    const answer = await seal(caller, { note: "ü", x: 1.5 });
    expect([answer.status, answer.body]).toEqual([
      201,
      {
        operation: "sealed",
        verdict: "SEAL",
        sealed: {
          sequence_number: 1,
          entry_hash: expect.stringMatching(HASH),
          prev_hash: V1_GENESIS,
          merkle_root: answer.body.sealed.entry_hash,
          seal_id: answer.headers["sealbase-call"],
          timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}000)?\+00:00$/),
        },
        ...NOTICE,
      },
    ]);
    const { entry } = await get(caller, "read?sequence=1");
    const { sealed } = answer.body;
    expect(v1Hash(entry.canonical)).toBe(sealed.entry_hash);
    expect(entry.canonical).toBe(
      `{"authority":"system","prev_hash":"${V1_GENESIS}","seal_data":{"note":"\\u00fc","target":"seal","x":1.5},` +
        `"seal_id":"${sealed.seal_id}","session_id":"s1","timestamp":"${sealed.timestamp}","verdict":"SEAL"}`,
    );
    expect(entry).toMatchObject({
      sequence: 1,
      authority: "system",
      verdict: "SEAL",
      seal_data: { note: "ü", target: "seal", x: 1.5 },
      call_id: sealed.seal_id,
    });
  });

  test.each(["SEAL", "VOID", "SABAR", "PARTIAL", "888_HOLD"])("takes %s", async (verdict) => {
    const caller = await system.project();
    const { body } = await seal(caller, { verdict, authority: "888 Judge" });
    expect(body).toMatchObject({ operation: "sealed", verdict });
    const { entry } = await get(caller, "read?sequence=1");
    expect(entry).toMatchObject({ verdict, authority: "888 Judge" });
    expect(entry.seal_data).toEqual({ verdict, authority: "888 Judge", target: "seal" });
  });

  test("goes on from the entry before, and each root is that of all so far", async () => {
    const caller = await vaultOf(system, 7);
    const { entries } = await get(caller, "read?session_id=s1");
    expect(numbers(entries)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const hashes = entries.map(({ entry_hash }: { entry_hash: string }) => entry_hash);
    for (const [i, entry] of entries.entries()) {
      expect(entry.prev_hash).toBe(hashes[i - 1] ?? V1_GENESIS);
      expect(entry.merkle_root).toBe(v1Root(hashes.slice(0, i + 1)));
    }
    expect(await verify(caller)).toMatchObject({
      valid: true,
      entries: 7,
      merkle_root: v1Root(hashes),
    });
  });

  test("is decided and sealed in the project's log like every write", async () => {
    const caller = await system.project();
    const { body, headers } = await seal(caller, { verdict: "VOID" });
    const [entry] = await sealedEntries(system, caller.projectId);
    expect(entry).toMatchObject({
      id: headers["sealbase-call"],
      action: "vault.verdict.seal",
      outcome: "done",
    });
    const kept = (await caller.call("GET", `/v1/ledger/entries/${entry!.id}`)).body;
    expect(kept.payload.outcome.output.sealed).toEqual(body.sealed);
    const why = await caller.call("GET", `/v1/decisions/${body.sealed.seal_id}/why`);
    expect(why.body.text).toContain("vault.verdict.seal");
  });

  test("the same Idempotency-Key seals once", async () => {
    const caller = await system.project();
    const body = { session_id: "s1" };
    const key = { "idempotency-key": "one" };
    const [first, second] = [
      await caller.call("POST", "/v1/vault/entries", body, key),
      await caller.call("POST", "/v1/vault/entries", body, key),
    ];
    expect(second.body).toEqual(first.body);
    expect(await verify(caller)).toMatchObject({ entries: 1 });
  });

  test.each<[string, object, string | RegExp]>([
    ["another verdict", { verdict: "MAYBE" }, /^verdict must be one of SEAL, VOID/],
    ["an older spelling", { verdict: "HOLD-888" }, /^verdict must be/],
    ["a verdict that is no text", { verdict: 1 }, /^verdict must be/],
    ["an authority that is no text", { authority: null }, /^authority must be/],
    ["an empty authority", { authority: "" }, /^authority must be/],
    ["what is too large once it is escaped", { x: "é".repeat(260_000) }, /at most 1048576 bytes/],
  ])("refuses %s, in the earlier vault's words, and that is sealed", async (_, payload, reason) => {
    const caller = await system.project();
    const { status, body, headers } = await seal(caller, payload);
    expect([status, body.code, body.facts]).toEqual([400, "action/vault_invalid", voided(reason)]);
    expect(await verify(caller)).toMatchObject({ entries: 0 });
    const [entry] = await sealedEntries(system, caller.projectId);
    expect(entry).toMatchObject({ id: headers["sealbase-call"], kind: "refusal" });
  });

  test.each([
    ["no session", {}, "session_id"],
    ["an empty session", { session_id: "" }, "session_id"],
    ["a payload that is no object", { session_id: "s", payload: [] }, "payload"],
    ["NUL", { session_id: "s", payload: { x: "\0" } }, "NUL"],
    ["half of a surrogate pair", { session_id: "s", payload: { x: "\ud800" } }, "surrogate"],
    ["a field that is not known", { session_id: "s", verdict: "SEAL" }, "verdict"],
  ])("takes no %s", async (_, input, why) => {
    const { body } = await system.home.call("POST", "/v1/vault/entries", input);
    expect(body.code).toBe("request/invalid");
    expect(JSON.stringify(body.facts)).toContain(why);
  });

  test("what a Python caller reads has the hash that it computes", async () => {
    const caller = await system.project();
    // Python would say 1.0, 1e+22 and 12345678901234567890; what arrives is a double, and is hashed as JSON has it.
    const text =
      '{"session_id":"s","payload":{"a":1.0,"b":1e22,"c":12345678901234567890,"d":-0.0,"é":0.1}}';
    await caller.call("POST", "/v1/vault/entries", text);
    const { entry } = await get(caller, "read?sequence=1");
    expect(entry.canonical).toContain(
      '"seal_data":{"a":1,"b":1e+22,"c":12345678901234567000,"d":0,"target":"seal","\\u00e9":0.1}',
    );
    expect(entry.seal_data).toMatchObject({ a: 1, b: 1e22, c: 12345678901234567000, d: 0 });
  });
});

describe("read, list, query, proof", () => {
  let caller: Caller;
  beforeAll(async () => {
    caller = await vaultOf(system, 9);
    await seal(caller, { verdict: "SABAR" }, "s2");
  });

  test("read by sequence, or by session with the oldest first", async () => {
    expect(await get(caller, "read?sequence=10")).toMatchObject({
      operation: "read",
      verdict: "SEAL",
      entry: { sequence: 10, session_id: "s2", verdict: "SABAR" },
      ...NOTICE,
    });
    const read = await get(caller, "read?session_id=s1");
    expect([numbers(read.entries), read.has_more]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9], false]);
    expect(numbers((await get(caller, "read?session_id=s1&cursor=7")).entries)).toEqual([8, 9]);
  });

  test.each([
    ["read?sequence=99", 404, "action/vault_missing", "there is no entry 99"],
    ["read?session_id=other", 404, "action/vault_missing", "no entry of session other"],
    ["read", 400, "action/vault_invalid", "read needs a sequence or a session_id"],
    ["proof?sequence=99", 404, "action/vault_missing", "there is no entry 99"],
    [
      "query?verdict=SEAL&start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z",
      400,
      "action/vault_invalid",
      "start_time must not be after end_time",
    ],
    [
      "query?verdict=SEAL&start_time=2026-01-01T00:00:00.000002Z&end_time=2026-01-01T00:00:00.000001Z",
      400,
      "action/vault_invalid",
      "start_time must not be after end_time",
    ],
  ])("%s is VOID", async (path, status, code, reason) => {
    const answer = await caller.call("GET", `/v1/vault/${path}`);
    expect([answer.status, answer.body.code, answer.body.facts]).toEqual([
      status,
      code,
      voided(reason),
    ]);
  });

  test.each([
    ["entries", [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], null],
    ["entries?limit=3", [10, 9, 8], 8],
    ["entries?limit=3&cursor=8", [7, 6, 5], 5],
    ["entries?limit=3&cursor=4", [3, 2, 1], null],
    ["entries?limit=0", [10], 10],
    ["entries?limit=-5", [10], 10],
    ["entries?limit=100000&cursor=3", [2, 1], null],
    ["entries?cursor=1", [], null],
    ["query?verdict=VOID", [8, 6, 4, 2], null],
    ["query?verdict=SEAL&limit=2", [9, 7], 7],
    ["query?verdict=SEAL&limit=2&cursor=7", [5, 3], 3],
    ["query?verdict=PARTIAL", [], null],
    ["query?verdict=VOID&end_time=2020-01-01T00:00:00Z", [], null],
    ["query?verdict=VOID&start_time=2020-01-01T00:00:00%2B02:00", [8, 6, 4, 2], null],
    ["query?verdict=VOID&start_time=2020-01-01T00:00:00%2B16:00", [8, 6, 4, 2], null],
    ["query?verdict=VOID&end_time=2020-01-01T00:00:00.000001-23:59", [], null],
  ])("%s gives %j", async (path, sequences, next_cursor) => {
    const body = await get(caller, path);
    expect([numbers(body.entries), body.next_cursor, body.has_more]).toEqual([
      sequences,
      next_cursor,
      next_cursor !== null,
    ]);
  });

  test.each([
    "entries?cursor=0",
    "query",
    "query?verdict=MAYBE",
    "query?verdict=SEAL&start_time=now",
  ])("%s is no question", async (path) =>
    expect((await get(caller, path)).code).toBe("request/invalid"),
  );

  test("query's times are inclusive", async () => {
    const { entry } = await get(caller, "read?sequence=4");
    const at = encodeURIComponent(entry.timestamp);
    const found = await get(caller, `query?verdict=VOID&start_time=${at}&end_time=${at}`);
    expect(numbers(found.entries)).toContain(4);
  });

  test("a list's answer is bounded in bytes, and says that there is more", async () => {
    const large = await system.project();
    for (let i = 0; i < 6; i++) await seal(large, { x: "x".repeat(900_000) });
    const page = await get(large, "entries");
    expect([numbers(page.entries), page.next_cursor]).toEqual([[6, 5, 4, 3], 3]);
    const rest = await get(large, `entries?cursor=${page.next_cursor}`);
    expect([numbers(rest.entries), rest.has_more]).toEqual([[2, 1], false]);
  });

  test("every entry's proof leads to the root, offline", async () => {
    const { merkle_root } = await verify(caller);
    for (let sequence = 1; sequence <= 10; sequence++) {
      const { entry } = await get(caller, `read?sequence=${sequence}`);
      const proof = await get(caller, `proof?sequence=${sequence}`);
      expect(proof).toMatchObject({
        operation: "proof",
        verdict: "SEAL",
        leaf_index: sequence - 1,
      });
      expect([proof.root, proof.entry_hash]).toEqual([merkle_root, entry.entry_hash]);
      expect(verifyV1Proof(v1Hash(entry.canonical), proof)).toBe(true);
    }
  });
});

describe("sealing at once never forks the chain", () => {
  const check = async (caller: Caller, answers: readonly Answer[]) => {
    expect([...new Set(answers.map(({ status }) => status))]).toEqual([201]);
    const sequences = answers.map(({ body }) => body.sealed.sequence_number);
    expect(sequences.toSorted((a, b) => a - b)).toEqual(answers.map((_, i) => i + 1));
    expect(new Set(answers.map(({ body }) => body.sealed.prev_hash)).size).toBe(answers.length);
    expect(await verify(caller)).toMatchObject({ valid: true, entries: answers.length });
  };

  test("on one server", async () => {
    const caller = await system.project();
    await check(
      caller,
      await Promise.all(Array.from({ length: 80 }, (_, n) => seal(caller, { n }))),
    );
  });

  test("on two servers over one database", async () => {
    const caller = await system.project();
    const other = (await system.another()).as(caller.key, caller.projectId);
    const ways = Array.from({ length: 60 }, (_, n) => seal(n % 2 === 0 ? caller : other, { n }));
    await check(caller, await Promise.all(ways));
  });

  test("and the database takes no second entry after the same one", async () => {
    const caller = await vaultOf(system, 2);
    const fork = system.sql(
      `insert into vault.entries (tenant_id, sequence, leaf_index, seal_id, session_id, verdict, sealed_at, canonical, entry_hash,
         prev_hash, merkle_root, call_id)
       select tenant_id, 9, 9, seal_id, session_id, verdict, sealed_at, canonical, sha256('x'), prev_hash, merkle_root, call_id
       from vault.entries where tenant_id = $1 and sequence = 2`,
      [caller.projectId],
    );
    await expect(fork).rejects.toMatchObject({ code: "23505" });
  });
});
