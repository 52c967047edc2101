import { afterAll, beforeAll, describe, expect, test } from "vitest";
// Its own files, not its door: its indexer is stopped.
import type { OpenLedger } from "../../src/domains/ledger/ledger.ts";
import { openTestSystem, sealedEntries, type TestSystem } from "../system.ts";
import { tampering } from "../tampering.ts";

/** Long enough for a full tile of 256 hashes and some more. */
const LONG = 300;

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  // What is put back here is the log: an index that was made meanwhile would say that there was more.
  await (system.parts.ledger as OpenLedger).indexer.stop();
});
afterAll(() => system.stop());

const { logOf, findings, run } = tampering(() => system);

const idAt = (index: number) =>
  `(select id from ledger.entries e where e.tenant_id = $1 and e.index = ${index})`;
const replaced = (column: string, from: string, to: string) =>
  `convert_to(replace(convert_from(${column}, 'UTF8'), '${from}', '${to}'), 'UTF8')`;

describe("verification finds", () => {
  test.each<[string, string[], string[], number?]>([
    [
      "an edited payload",
      [
        `update ledger.payloads set payload = replace(payload, '"amount_cents":1002', '"amount_cents":9') where tenant_id = $1 and entry_id = ${idAt(2)}`,
      ],
      ["payload_changed"],
    ],
    [
      "an edited salt",
      [
        `update ledger.payloads set salt = sha256('x') where tenant_id = $1 and entry_id = ${idAt(2)}`,
      ],
      ["payload_changed"],
    ],
    [
      "a payload that is gone",
      [`delete from ledger.payloads where tenant_id = $1 and entry_id = ${idAt(2)}`],
      ["payload_missing"],
    ],
    [
      "an edited entry",
      [
        `update ledger.entries set entry = ${replaced("entry", "risk.transaction.assess", "risk.transaction.assesd")} where tenant_id = $1 and index = 2`,
      ],
      ["entry_changed", "checkpoint_mismatch", "head_mismatch"],
    ],
    [
      "an entry that is none",
      ["update ledger.entries set entry = 'nothing' where tenant_id = $1 and index = 2"],
      ["entry_malformed", "checkpoint_mismatch", "head_mismatch"],
    ],
    [
      "two rows that changed places",
      [
        "update ledger.entries set index = case index when 2 then 103 else 102 end where tenant_id = $1 and index in (2, 3)",
        "update ledger.entries set index = index - 100 where tenant_id = $1 and index > 100",
      ],
      ["checkpoint_mismatch", "head_mismatch"],
    ],
    [
      "two ids that changed places",
      [
        `with pair as (select index, id from ledger.entries where tenant_id = $1 and index in (2, 3)),
             gone as (delete from ledger.entries where tenant_id = $1 and index in (2, 3) returning *)
        select set_config('test.pair', (select json_agg(json_build_object('i', 5 - index, 'id', id, 'entry', encode((select entry from gone g where g.index = 5 - pair.index), 'hex')))::text from pair), false)`,
        `insert into ledger.entries (tenant_id, index, id, entry) select $1, i, id, decode(entry, 'hex')
          from json_to_recordset(current_setting('test.pair')::json) as r(i int8, id uuid, entry text)`,
      ],
      ["payload_changed", "payload_changed"],
    ],
    [
      "a deleted row in the middle",
      ["delete from ledger.entries where tenant_id = $1 and index = 2"],
      ["entry_missing", "head_mismatch", "truncated", "entry_lost"],
    ],
    [
      "a tail of entries that is gone",
      ["delete from ledger.entries where tenant_id = $1 and index >= 3"],
      ["head_mismatch", "truncated", "entry_lost", "entry_lost"],
    ],
    [
      "an edited head",
      ["update ledger.heads set size = size - 1 where tenant_id = $1"],
      ["head_mismatch"],
    ],
    [
      "a changed decision",
      [
        `update authz.policy_decisions set outcome = 'deny' where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["decision_changed"],
    ],
    [
      "a decision by other policies",
      [
        `update authz.policy_decisions set reasons = '{other}' where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["decision_changed"],
    ],
    [
      "a decision about somebody else",
      [
        `update authz.policy_decisions set principal = 'ServiceAccount:other' where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["decision_changed"],
    ],
    [
      "a decision about something else",
      [
        `update authz.policy_decisions set resource_id = 'other' where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["decision_changed"],
    ],
    [
      "a decision in another context",
      [`update authz.policy_decisions set context = '{}' where tenant_id = $1 and id = ${idAt(2)}`],
      ["decision_changed"],
    ],
    [
      "a changed step of a decision",
      [
        `update authz.policy_decision_trace_steps set outcome = 'allow' where tenant_id = $1 and decision_id = ${idAt(2)} and number = 1`,
      ],
      ["decision_changed"],
    ],
    [
      "a changed condition of a step",
      [
        `update authz.policy_decision_trace_steps set conditions = replace(conditions, '"holds":false', '"holds":true') where tenant_id = $1 and decision_id = ${idAt(2)} and number = 1`,
      ],
      ["decision_changed"],
    ],
    [
      "a step that is gone",
      [
        `delete from authz.policy_decision_trace_steps where tenant_id = $1 and decision_id = ${idAt(2)} and number = 2`,
      ],
      ["decision_changed"],
    ],
    [
      "a deleted decision",
      [`delete from authz.policy_decisions where tenant_id = $1 and id = ${idAt(2)}`],
      ["decision_changed"],
    ],
    [
      "a changed score",
      [`update vedic.fraud_scores set score = 0 where tenant_id = $1 and id = ${idAt(2)}`],
      ["score_changed"],
    ],
    [
      "a changed level",
      [`update vedic.fraud_scores set level = 'HIGH' where tenant_id = $1 and id = ${idAt(2)}`],
      ["score_changed"],
    ],
    [
      "changed features",
      [
        `update vedic.fraud_scores set features = replace(features, '1002', '1003') where tenant_id = $1 and id = ${idAt(2)}`,
      ],
      ["score_changed"],
    ],
    [
      "a deleted score",
      [`delete from vedic.fraud_scores where tenant_id = $1 and id = ${idAt(2)}`],
      ["score_changed"],
    ],
    [
      "a changed tile",
      [
        "update ledger.tiles set hashes = set_byte(hashes, 9, get_byte(hashes, 9) # 1) where tenant_id = $1",
      ],
      ["tile_changed"],
      LONG,
    ],
    ["a deleted tile", ["delete from ledger.tiles where tenant_id = $1"], ["tile_changed"], LONG],
    [
      "a changed checkpoint",
      [
        "update ledger.checkpoints set root = sha256('x') where tenant_id = $1 and size = (select max(size) from ledger.checkpoints where tenant_id = $1)",
      ],
      ["checkpoint_mismatch"],
    ],
    [
      "a checkpoint of another log",
      [
        `update ledger.checkpoints set note = replace(note, 'sealbase.test', 'elsewhere.test') where tenant_id = $1 and size = (select max(size) from ledger.checkpoints where tenant_id = $1)`,
      ],
      ["checkpoint_forged"],
    ],
  ])("%s", async (_, statements, wanted, count) => {
    const caller = await logOf(count);
    await run(caller, ...statements);
    expect((await findings(caller)).sort()).toEqual(wanted.sort());
  });
});

test("an empty, freshly made log verifies", async () => {
  const caller = await system.project();
  expect((await caller.call("POST", "/v1/ledger/verify")).body).toMatchObject({
    valid: true,
    entries: 0,
    findings: [],
  });
});

test.for([
  ["policies", "update authz.policy_versions set document = document || ' ' where tenant_id = $1"],
  [
    "what a decision knew",
    "update authz.entity_slices set slice = slice || ' ' where tenant_id = $1",
  ],
])("an edit of %s shows in every decision that was made with it", async ([, edit]) => {
  const caller = await logOf(3);
  await run(caller, edit!);
  expect(new Set(await findings(caller))).toEqual(new Set(["decision_changed"]));
});

test("a changed digest of reads is found", async () => {
  const caller = await system.project();
  await caller.call("GET", "/v1/me");
  await system.parts.reads.flush(true);
  await sealedEntries(system, caller.projectId);
  expect(await findings(caller)).toEqual([]);
  await run(
    caller,
    "update authz.policy_decisions set trace_hash = sha256('x') where tenant_id = $1 and operation = 'control-plane.me.get'",
  );
  expect(await findings(caller)).toEqual(["reads_changed"]);
});
