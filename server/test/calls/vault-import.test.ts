import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { v1Hash, verifyV1Proof } from "#verifier";
import { type Caller, openTestSystem, sealedEntries, type TestSystem } from "../system.ts";
import { checksumOf, importOf, type LegacyFile, legacyFiles, seal, verify } from "../vault.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const bring = (caller: Caller, input: object) => caller.call("POST", "/v1/vault/imports", input);
const read = async (caller: Caller, sequence: number) =>
  (await caller.call("GET", `/v1/vault/read?sequence=${sequence}`)).body.entry;

describe("an import", () => {
  test("keeps every entry as it was hashed, numbers and all", async () => {
    const caller = await system.project();
    const files = legacyFiles(10);
    const answer = await bring(caller, importOf(files));
    const { files: _, ...manifest } = importOf(files);
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        operation: "imported",
        verdict: "SEAL",
        imported: 10,
        complete: true,
        ...manifest,
        vault_backend: "postgres",
        authority_notice: expect.any(String),
      },
    ]);
    expect(await verify(caller)).toMatchObject({
      valid: true,
      entries: 10,
      merkle_root: manifest.merkle_root,
    });
    for (const [i, { text }] of files.entries()) {
      const { entry_hash, merkle_root, timestamp } = JSON.parse(text);
      const entry = await read(caller, i + 1);
      expect(entry).toMatchObject({ entry_hash, merkle_root, timestamp });
      expect(v1Hash(entry.canonical)).toBe(entry_hash);
    }
    const { canonical, seal_data } = await read(caller, 4);
    expect(canonical).toContain('{"__proto__":{"a":"\\u0000"},"\\ufb00":2,"\\ud83d\\ude00":1}');
    expect(seal_data["😀"]).toBe(1);
    expect((await read(caller, 3)).canonical).toContain(
      '{"e":1e+22,"f":1e-07,"n":12345678901234567890123,"z":-0.0}',
    );
    const proof = (await caller.call("GET", "/v1/vault/proof?sequence=7")).body;
    expect(verifyV1Proof(v1Hash((await read(caller, 7)).canonical), proof)).toBe(true);
  });

  test("is anchored in the project's log: an entry names what came", async () => {
    const caller = await system.project();
    const input = importOf(legacyFiles(3));
    const { headers } = await bring(caller, input);
    const [entry] = await sealedEntries(system, caller.projectId);
    expect(entry).toMatchObject({
      id: headers["sealbase-call"],
      action: "vault.legacy.import",
      outcome: "done",
    });
    const { payload } = (await caller.call("GET", `/v1/ledger/entries/${entry!.id}`)).body;
    const { files, ...manifest } = input;
    expect(payload.outcome.output).toMatchObject({ complete: true, imported: 3, ...manifest });
    expect(payload.request.input.files).toEqual(files);
    expect((await caller.call("POST", "/v1/ledger/verify")).body).toMatchObject({ valid: true });
  });

  test("queries find both spellings of a verdict, and times to the microsecond", async () => {
    const caller = await system.project();
    await bring(caller, importOf(legacyFiles(10)));
    const find = async (query: string) =>
      (await caller.call("GET", `/v1/vault/query?${query}`)).body.entries.map(
        ({ sequence, verdict }: { sequence: number; verdict: string }) => [sequence, verdict],
      );
    expect(await find("verdict=888_HOLD")).toEqual([
      [10, "888_HOLD"],
      [8, "HOLD-888"],
      [5, "888_HOLD"],
      [3, "HOLD-888"],
    ]);
    const [at, before, after] = ["500001", "500000", "500002"].map(
      (fraction) => `2026-02-02T00:00:01.${fraction}Z`,
    );
    expect(await find(`verdict=VOID&start_time=${at}&end_time=${at}`)).toEqual([[2, "VOID"]]);
    expect(await find(`verdict=VOID&end_time=${before}`)).toEqual([]);
    expect(
      await find(`verdict=VOID&start_time=${after}&end_time=2026-02-02T00:00:05.999999Z`),
    ).toEqual([]);
  });

  test("a list gives 200 entries at most, and so does a session", async () => {
    const caller = await system.project();
    await bring(caller, importOf(legacyFiles(205, () => ({ session_id: "one" }))));
    for (const [path, last] of [
      ["entries?limit=100000", 6],
      ["read?session_id=one", 200],
    ] as const) {
      const { body } = await caller.call("GET", `/v1/vault/${path}`);
      expect([body.entries.length, body.has_more, body.next_cursor]).toEqual([200, true, last]);
    }
  });

  test("new seals go on from the last imported entry", async () => {
    const caller = await system.project();
    const input = importOf(legacyFiles(5));
    await bring(caller, input);
    const { body } = await seal(caller);
    expect(body.sealed).toMatchObject({ sequence_number: 6, prev_hash: input.head_hash });
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 6 });
  });
});

describe("an import in parts", () => {
  const parts = (files: readonly LegacyFile[], from: number, to: number) => ({
    ...importOf(files),
    files: files.slice(from, to),
  });

  test("lets nobody seal in between, and is complete with the last file", async () => {
    const caller = await system.project();
    const files = legacyFiles(7);
    const first = await bring(caller, parts(files, 0, 4));
    expect(first.body).toMatchObject({ verdict: "PARTIAL", complete: false, imported: 4 });
    const { status, body } = await seal(caller);
    expect([status, body.code, body.facts]).toEqual([
      409,
      "action/vault_conflict",
      { operation: "error", verdict: "VOID", reason: "an import up to sequence 7 is under way" },
    ]);
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 4 });
    const last = await bring(caller, parts(files, 4, 7));
    expect(last.body).toMatchObject({ verdict: "SEAL", complete: true, imported: 3 });
    expect((await seal(caller)).status).toBe(201);
  });

  test("that cannot be ended as it was meant ends with what is there", async () => {
    const caller = await system.project();
    const files = legacyFiles(7);
    await bring(caller, parts(files, 0, 4));
    const ended = await bring(caller, { ...importOf(files.slice(0, 4)), files: [] });
    expect(ended.body).toMatchObject({ complete: true, imported: 0, entries: 4 });
    expect((await seal(caller)).body.sealed.sequence_number).toBe(5);
  });

  test("a ledger that has grown goes on exactly at the head", async () => {
    const caller = await system.project();
    const files = legacyFiles(6);
    await bring(caller, importOf(files.slice(0, 4)));
    const grown = await bring(caller, parts(files, 4, 6));
    expect(grown.body).toMatchObject({ complete: true, imported: 2, entries: 6 });
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 6 });
  });

  test("the same files at once come in once", async () => {
    const caller = await system.project();
    const input = importOf(legacyFiles(20));
    const answers = await Promise.all(Array.from({ length: 4 }, () => bring(caller, input)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 20 });
  });
});

describe("an import refuses, with the file's name, and changes nothing", () => {
  const edited = (files: LegacyFile[], index: number, from: string | RegExp, to: string) =>
    files.map((file, i) => (i === index ? { ...file, text: file.text.replace(from, to) } : file));
  const without = (index: number) => legacyFiles(4).filter((_, i) => i !== index);
  const SHA = "0123456789abcdef".repeat(4);

  test.each<[string, LegacyFile[], RegExp]>([
    [
      "an edited value",
      edited(legacyFiles(4), 1, '"x":1.0', '"x":1.5'),
      /^000002.json: hash-mismatch$/,
    ],
    [
      "a float that became an integer",
      edited(legacyFiles(4), 1, "1.0", "1"),
      /^000002.json: hash-mismatch$/,
    ],
    [
      "a wrong hash",
      edited(legacyFiles(4), 1, /"entry_hash":"\w+"/, `"entry_hash":"${SHA}"`),
      /^000002.json: hash-mismatch$/,
    ],
    [
      "another hash before it",
      edited(legacyFiles(4), 2, /"prev_hash":"\w+"/, `"prev_hash":"${SHA}"`),
      /^000003.json: hash-mismatch$/,
    ],
    [
      "an entry of another chain",
      [...legacyFiles(2), legacyFiles(3, () => ({ authority: "other" }))[2]!],
      /^000003.json: prev-hash-mismatch$/,
    ],
    [
      "a wrong root",
      edited(legacyFiles(4), 3, /"merkle_root":"\w+"/, `"merkle_root":"${SHA}"`),
      /^000004.json: merkle-mismatch$/,
    ],
    ["a missing entry", without(1), /^000003.json: sequence 3 where 2 comes next$/],
    ["a missing first entry", without(0), /^000002.json: sequence 2 where 1 comes next$/],
    [
      "an entry twice",
      [...legacyFiles(2), legacyFiles(2)[1]!],
      /^000002.json: sequence 2 where 3 comes next$/,
    ],
    ["no JSON", edited(legacyFiles(2), 1, "{", "("), /^000002.json: The file is no entry/],
    [
      "an unknown field",
      edited(legacyFiles(2), 1, "{", '{"more":1,'),
      /fields that are not known: more/,
    ],
    [
      "half of a surrogate pair",
      edited(legacyFiles(2), 1, '"ü"', '"\\ud800"'),
      /^000002.json: .*surrogate/,
    ],
  ])("%s", async (_, files, reason) => {
    const caller = await system.project();
    const { status, body } = await bring(caller, { ...importOf(legacyFiles(4)), files });
    expect([status === 400 || status === 409, body.facts]).toEqual([
      true,
      { operation: "error", verdict: "VOID", reason: expect.stringMatching(reason) },
    ]);
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 0 });
    const [refusal] = await sealedEntries(system, caller.projectId);
    expect(refusal).toMatchObject({ action: "vault.legacy.import", kind: "refusal" });
  });

  test("a count, a head, a root or a checksum that is not what came", async () => {
    const caller = await system.project();
    const input = importOf(legacyFiles(4));
    for (const [name, value] of Object.entries({
      entries: 5,
      head_hash: SHA,
      merkle_root: SHA,
      checksum: SHA,
    })) {
      const { body } = await bring(caller, { ...input, [name]: value });
      expect(body.facts.reason).toMatch(new RegExp(`^${name} is .*; the import says ${value}$`));
    }
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 0 });
    expect((await bring(caller, input)).body).toMatchObject({ complete: true });
  });

  test("a file whose bytes are others, though they mean the same", async () => {
    const caller = await system.project();
    const input = importOf(legacyFiles(2));
    const files = edited(input.files, 1, "{", "{ ");
    const { body } = await bring(caller, { ...input, files });
    expect(body.facts.reason).toMatch(/^checksum is /);
  });

  test("a vault that has sealed something else", async () => {
    const caller = await system.project();
    await seal(caller);
    const { status, body } = await bring(caller, importOf(legacyFiles(2)));
    expect([status, body.facts.reason]).toEqual([
      409,
      "000001.json: sequence 1 where 2 comes next",
    ]);
  });

  test("gaps, unless they are allowed and the chain holds", async () => {
    const caller = await system.project();
    const files = legacyFiles(4, (_, sequence) => ({ sequence: 3 * sequence }));
    expect((await bring(caller, importOf(files))).body.facts.reason).toMatch(/sequence 3 where 1/);
    const allowed = await bring(caller, { ...importOf(files), allow_gaps: true });
    expect(allowed.body).toMatchObject({ complete: true, first_sequence: 3, last_sequence: 12 });
    const proof = (await caller.call("GET", "/v1/vault/proof?sequence=9")).body;
    expect(proof.leaf_index).toBe(2);
    expect((await seal(caller)).body.sealed.sequence_number).toBe(13);
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 5 });
  });
});

test("the checksum is that of sha256sum", () => {
  // printf '{"a":1}\n' > 1.json; printf 'x' > 2.json; sha256sum *.json | sha256sum
  const files = [
    { name: "2.json", text: "x" },
    { name: "1.json", text: '{"a":1}\n' },
  ];
  expect(checksumOf(files)).toBe(
    "65b9c01a6b0feaa02388b8775e983763e382fe47d62fcba63d76e6fde17ea5f1",
  );
});
