import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withClient } from "../cluster.ts";
import { type Caller, openTestSystem, type TestSystem } from "../system.ts";
import { importOf, legacyFiles, vaultOf, verify } from "../vault.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

describe("verify finds", () => {
  const ROW = "tenant_id = $1 and sequence";
  test.each<[string, string[], number, string]>([
    [
      "an edited text",
      [
        `update vault.entries set canonical = replace(canonical, '"n":2', '"n":7') where ${ROW} = 3`,
      ],
      3,
      "hash-mismatch",
    ],
    [
      "a text that is none",
      [`update vault.entries set canonical = 'nothing' where ${ROW} = 3`],
      3,
      "hash-mismatch",
    ],
    [
      "an edited hash",
      [`update vault.entries set entry_hash = sha256('x') where ${ROW} = 3`],
      3,
      "hash-mismatch",
    ],
    [
      "an edited hash of the entry before",
      [`update vault.entries set prev_hash = sha256('x') where ${ROW} = 3`],
      3,
      "hash-mismatch",
    ],
    [
      "an edited verdict",
      [`update vault.entries set verdict = 'SABAR' where ${ROW} = 3`],
      3,
      "hash-mismatch",
    ],
    [
      "an edited session",
      [`update vault.entries set session_id = 'x' where ${ROW} = 3`],
      3,
      "hash-mismatch",
    ],
    [
      "an edited time",
      [`update vault.entries set sealed_at = sealed_at + interval '1 us' where ${ROW} = 3`],
      3,
      "hash-mismatch",
    ],
    [
      "an edited id",
      [`update vault.entries set seal_id = gen_random_uuid() where ${ROW} = 3`],
      3,
      "hash-mismatch",
    ],
    [
      "an entry that was hashed again after an edit",
      [
        `update vault.entries set canonical = replace(canonical, '"n":2', '"n":7') where ${ROW} = 3`,
        `update vault.entries set entry_hash = sha256(convert_to(canonical, 'UTF8')) where ${ROW} = 3`,
      ],
      3,
      "merkle-mismatch",
    ],
    [
      "an entry that was hashed again with its root, from the next one",
      [
        `update vault.entries set canonical = replace(canonical, '"n":0', '"n":7') where ${ROW} = 1`,
        `update vault.entries set entry_hash = sha256(convert_to(canonical, 'UTF8')),
           merkle_root = sha256(convert_to(canonical, 'UTF8')) where ${ROW} = 1`,
      ],
      2,
      "prev-hash-mismatch",
    ],
    [
      "two rows that changed places",
      [
        `update vault.entries set sequence = case sequence when 2 then 103 else 102 end where tenant_id = $1 and sequence in (2, 3)`,
        `update vault.entries set sequence = sequence - 100 where ${ROW} > 100`,
      ],
      2,
      "prev-hash-mismatch",
    ],
    [
      "a deleted row in the middle",
      [`delete from vault.entries where ${ROW} = 3`],
      4,
      "prev-hash-mismatch",
    ],
    [
      "a deleted first row",
      [`delete from vault.entries where ${ROW} = 1`],
      2,
      "prev-hash-mismatch",
    ],
    ["a deleted last row", [`delete from vault.entries where ${ROW} = 5`], 5, "head-mismatch"],
    [
      "an edited root",
      [`update vault.entries set merkle_root = sha256('x') where ${ROW} = 3`],
      3,
      "merkle-mismatch",
    ],
    [
      "an edited leaf index",
      [`update vault.entries set leaf_index = 77 where ${ROW} = 3`],
      3,
      "merkle-mismatch",
    ],
    [
      "an edited head",
      ["update vault.heads set entry_hash = sha256('x') where tenant_id = $1"],
      5,
      "head-mismatch",
    ],
    [
      "a head that is behind",
      ["update vault.heads set sequence = 4 where tenant_id = $1"],
      4,
      "head-mismatch",
    ],
    [
      "a head without its root",
      ["update vault.heads set merkle_root = sha256('x') where tenant_id = $1"],
      5,
      "merkle-mismatch",
    ],
    ["a head that is gone", ["delete from vault.heads where tenant_id = $1"], 0, "head-mismatch"],
  ])("%s", async (_, statements, first_invalid_seq, reason) => {
    const caller = await vaultOf(system, 5);
    for (const text of statements) await system.sql(text, [caller.projectId]);
    expect(await verify(caller)).toMatchObject({
      operation: "verify",
      verdict: "VOID",
      valid: false,
      first_invalid_seq,
      reason,
    });
  });
});

describe("what the vault's format cannot tell, the log does", () => {
  const findings = async (caller: Caller) => {
    const { body } = await caller.call("POST", "/v1/ledger/verify");
    return body.findings.map(({ kind, at }: { kind: string; at: number }) => [kind, at]);
  };
  const run = async (caller: Caller, ...statements: string[]) => {
    expect(await findings(caller)).toEqual([]);
    for (const text of statements) await system.sql(text, [caller.projectId]);
  };

  test("an end that was cut off, with the head moved back", async () => {
    const caller = await vaultOf(system, 3);
    await run(
      caller,
      "delete from vault.entries where tenant_id = $1 and sequence > 1",
      `update vault.heads h set sequence = 1, size = 1, entry_hash = e.entry_hash, merkle_root = e.merkle_root,
         subtrees = array[e.entry_hash] from vault.entries e where h.tenant_id = $1 and e.tenant_id = $1`,
    );
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 1 });
    expect(await findings(caller)).toEqual([
      ["vault_changed", 1],
      ["vault_changed", 2],
    ]);
  });

  test("a vault that was hashed again from an edited entry on", async () => {
    const caller = await vaultOf(system, 1);
    await run(
      caller,
      `update vault.entries set canonical = replace(canonical, '"n":0', '"n":9') where tenant_id = $1`,
      `update vault.entries set entry_hash = sha256(convert_to(canonical, 'UTF8')), merkle_root = sha256(convert_to(canonical, 'UTF8'))
       where tenant_id = $1`,
      `update vault.heads h set entry_hash = e.entry_hash, merkle_root = e.merkle_root, subtrees = array[e.entry_hash]
       from vault.entries e where h.tenant_id = $1 and e.tenant_id = $1`,
    );
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 1 });
    expect(await findings(caller)).toEqual([["vault_changed", 0]]);
  });

  test("imported entries that are gone", async () => {
    const caller = await system.project();
    await caller.call("POST", "/v1/vault/imports", importOf(legacyFiles(3)));
    await run(
      caller,
      "delete from vault.entries where tenant_id = $1",
      "delete from vault.heads where tenant_id = $1",
    );
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 0 });
    expect(await findings(caller)).toEqual([["vault_changed", 0]]);
  });

  test("an entry that no call sealed", async () => {
    const caller = await vaultOf(system, 1);
    await run(
      caller,
      `insert into vault.entries (tenant_id, sequence, leaf_index, seal_id, session_id, verdict, sealed_at, canonical, entry_hash,
         prev_hash, merkle_root, call_id)
       select tenant_id, 2, 1, seal_id, session_id, verdict, sealed_at, canonical, sha256('x'), entry_hash, merkle_root,
         gen_random_uuid() from vault.entries where tenant_id = $1`,
    );
    expect(await findings(caller)).toEqual([["row_unsealed", null]]);
  });
});

describe("what is sealed stays", () => {
  test.each(["sealbase_writer", "sealbase_reader"])("%s changes nothing", async (role) => {
    const caller = await vaultOf(system, 1);
    for (const statement of [
      "update vault.entries set verdict = 'VOID'",
      "delete from vault.entries",
      "truncate vault.entries cascade",
      "delete from vault.heads",
    ])
      await withClient(system.server, async (client) => {
        await client.query("begin");
        await client.query(
          "select set_config('role', $1, true), set_config('app.tenant_id', $2, true)",
          [role, caller.projectId],
        );
        await expect(client.query(statement)).rejects.toMatchObject({ code: "42501" });
      });
    expect(await verify(caller)).toMatchObject({ valid: true, entries: 1 });
  });
});
