import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withClient } from "../cluster.ts";
import {
  beginInput,
  endorseInput,
  endorsePaymentInput,
  endorsersOf,
  firstSet,
  forwardingInput,
  keyOf,
  keysetInput,
  MAINTAINERS,
  paymentInput,
  recordInput,
  rotateInput,
} from "../registries.ts";
import { type Caller, openTestSystem, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

/** A project with a row of each table, from one call each; entries are numbered as here. */
async function filled(): Promise<Caller> {
  const caller = await system.project();
  const ask = async (path: string, body: object) => {
    const answer = await caller.call("POST", path, body);
    if (answer.status >= 300) throw new Error(answer.text);
    return answer.body;
  };
  const gate = firstSet("gate");
  await ask("/v1/aliases", beginInput(gate));
  const record = await ask("/v1/alias-records", recordInput({}));
  await ask(`/v1/alias-records/${record.id}/endorse`, endorseInput(gate, record, MAINTAINERS[0]!));
  await ask("/v1/alias-maintainers", rotateInput(gate, [4, 5, 6].map(keyOf), MAINTAINERS.slice(1)));
  const keyset = await ask("/v1/voucher-keysets", {
    ...keysetInput(),
    valid_to: "2100-01-01T00:00:00.5Z",
  });
  const payment = await ask("/v1/payment-records", paymentInput({ keyset: keyset.id }));
  for (const by of endorsersOf(5))
    await ask(`/v1/payment-records/${payment.id}/endorse`, endorsePaymentInput(payment, by));
  await ask(`/v1/voucher-keysets/${keyset.id}/activate`, {});
  await ask(`/v1/voucher-keysets/${keyset.id}/retire`, {});
  await ask("/v1/forwarding", forwardingInput({ keyset: keyset.id }));
  await sealedEntries(system, caller.projectId);
  return caller;
}

const findings = async (caller: Caller) => {
  const { body } = await caller.call("POST", "/v1/ledger/verify");
  return body.findings.map(({ kind, at }: { kind: string; at: number }) => [kind, at]);
};

describe("verify of the log", () => {
  let caller: Caller;
  beforeAll(async () => {
    caller = await filled();
    expect(await findings(caller)).toEqual([]);
  });

  const BEGIN = 0;
  const SUBMIT = 1;
  const ENDORSE = 2;
  const ROTATE = 3;
  const ANNOUNCE = 4;
  const PUBLISH = 5;
  const STAND_BY = 6;
  const ACTIVATE = 11;
  const RETIRE = 12;
  const ACCOUNT = 13;
  const hash = "sha256('x')";
  const signature = "sha512('x')";
  const second = "interval '1 second'";

  test.each<[string, string, number, string?]>([
    ["alias_maintainer_sets", "alias = 'gates'", BEGIN, "number = 1"],
    ["alias_maintainer_sets", `maintainers[2] = ${hash}`, BEGIN, "number = 1"],
    ["alias_maintainer_sets", "min_signers = 3", BEGIN, "number = 1"],
    ["alias_maintainer_sets", "number = 3", ROTATE, "number = 2"],
    ["alias_maintainer_sets", `rotation_signers[1] = ${hash}`, ROTATE, "number = 2"],
    ["alias_maintainer_sets", `rotation_signatures[2] = ${signature}`, ROTATE, "number = 2"],
    ["alias_maintainer_sets", `created_at = created_at + ${second}`, ROTATE, "number = 2"],
    ["alias_records", "alias = 'gates'", SUBMIT],
    ["alias_records", `public_key = ${hash}, node = substring(sha256(${hash}) for 20)`, SUBMIT],
    ["alias_records", "seq = 9", SUBMIT],
    ["alias_records", `signature = ${signature}`, SUBMIT],
    ["alias_records", `signed_at = signed_at + interval '1 us'`, SUBMIT],
    ["alias_records", "record = '\\x00'", SUBMIT],
    ["alias_records", "maintainer_set_id = gen_random_uuid()", SUBMIT],
    ["alias_endorsements", `maintainer = ${hash}`, ENDORSE],
    ["alias_endorsements", `signature = ${signature}`, ENDORSE],
    ["alias_endorsements", "alias_record_id = gen_random_uuid()", ENDORSE],
    ["voucher_keysets", "curve = 'P-256'", ANNOUNCE],
    ["voucher_keysets", `public_keys[1] = ${hash}`, ANNOUNCE],
    ["voucher_keysets", `valid_from = valid_from - ${second}`, ANNOUNCE],
    ["voucher_keysets", "valid_to = null", ANNOUNCE],
    ["voucher_keysets", "status = 'active', retired_by = null", RETIRE],
    ["voucher_keysets", "activated_by = null", ACTIVATE],
    ["payment_registry_records", "number = 2", PUBLISH],
    ["payment_registry_records", "record = '\\x00'", PUBLISH],
    ["payment_registry_records", `record_hash = ${hash}`, PUBLISH],
    ["payment_registry_records", `endorsers[1] = ${hash}`, PUBLISH],
    [
      "payment_registry_endorsements",
      `signature = ${signature}`,
      STAND_BY,
      `endorser = '\\x${endorsersOf(5)[0]!.publicKey}'`,
    ],
    ["forwarding_accounting", "forwarded_bytes = forwarded_bytes + 1", ACCOUNT],
    ["forwarding_accounting", "charged_units = 0", ACCOUNT],
    ["forwarding_accounting", "peer = null", ACCOUNT],
    ["forwarding_accounting", `period_end = period_end + ${second}`, ACCOUNT],
    ["forwarding_accounting", "keyset_id = null", ACCOUNT],
    ["forwarding_accounting", `signature = ${signature}`, ACCOUNT],
  ])("finds what was changed in %s: %s", async (table, change, at, where = "true") => {
    const name = `ledger.${table}`;
    const [{ rows }] = (await system.sql<{ rows: unknown }>(
      `select jsonb_agg(t) as rows from ${name} t where tenant_id = $1`,
      [caller.projectId],
    )) as [{ rows: unknown }];
    await system.sql(`update ${name} set ${change} where tenant_id = $1 and ${where}`, [
      caller.projectId,
    ]);
    expect(await findings(caller)).toEqual([["registry_changed", at]]);
    await system.sql(`delete from ${name} where tenant_id = $1`, [caller.projectId]);
    await system.sql(
      `insert into ${name} select * from jsonb_populate_recordset(null::${name}, $1)`,
      [JSON.stringify(rows)],
    );
    expect(await findings(caller)).toEqual([]);
  });

  test("finds rows that are gone, and rows that no call made", async () => {
    const mine = await filled();
    await system.sql("delete from ledger.alias_endorsements where tenant_id = $1", [
      mine.projectId,
    ]);
    await system.sql(
      `insert into ledger.alias_endorsements (tenant_id, alias_record_id, maintainer, signature, call_id, created_at)
       select tenant_id, id, ${hash}, ${signature}, gen_random_uuid(), now() from ledger.alias_records where tenant_id = $1`,
      [mine.projectId],
    );
    await system.sql(
      `insert into ledger.payment_registry_endorsements (tenant_id, record_id, endorser, signature, call_id, created_at)
       select tenant_id, id, ${hash}, ${signature}, id, now() from ledger.payment_registry_records where tenant_id = $1`,
      [mine.projectId],
    );
    expect(await findings(mine)).toEqual([
      ["registry_changed", ENDORSE],
      ["registry_changed", PUBLISH],
      ["row_unsealed", null],
    ]);
  });
});

test.each(["sealbase_writer", "sealbase_reader"])(
  "%s neither changes nor removes what was registered",
  async (role) => {
    const caller = await filled();
    for (const statement of [
      "update ledger.alias_records set seq = 9",
      "delete from ledger.alias_endorsements",
      "update ledger.alias_maintainer_sets set number = 9",
      "update ledger.payment_registry_records set number = 9",
      "delete from ledger.payment_registry_endorsements",
      "update ledger.voucher_keysets set public_keys = array['\\x00'::bytea]",
      "update ledger.voucher_keysets set call_id = gen_random_uuid()",
      "delete from ledger.voucher_keysets",
      "truncate ledger.forwarding_accounting",
    ])
      await withClient(system.server, async (client) => {
        await client.query("begin");
        await client.query(
          "select set_config('role', $1, true), set_config('app.tenant_id', $2, true)",
          [role, caller.projectId],
        );
        await expect(client.query(statement)).rejects.toMatchObject({ code: "42501" });
      });
    expect(await findings(caller)).toEqual([]);
  },
);
