import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

// Verification that goes on from where it was, and what it says is wrong first.
let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

/** A log of `calls` payments under a checkpoint, and no reads in it that are not asked for. */
async function logOf(calls: number): Promise<Caller> {
  const caller = await system.project();
  const call = () => caller.call("POST", "/v1/risk/transactions", payment());
  for (let made = 0; made < calls; made += 50)
    await Promise.all(Array.from({ length: Math.min(50, calls - made) }, call));
  await sealedEntries(system, caller.projectId);
  return caller;
}

const verify = async (caller: Caller, input: object = {}) =>
  (await caller.call("POST", "/v1/ledger/verify", input)).body;
const tamper = (caller: Caller, statement: string) => system.sql(statement, [caller.projectId]);

describe("verification in steps", () => {
  test("sees every entry once, whatever the steps, and the same root as in one", async () => {
    const caller = await logOf(600);
    const whole = await verify(caller);
    expect(whole).toMatchObject({ valid: true, complete: true, since: 0, first: null });
    for (const step of [1, 77, 256, 599, 600, 601]) {
      let report = await verify(caller, { entries_max: step });
      let [entries, checkpoints, steps] = [report.entries, report.checkpoints, 1];
      while (!report.complete && steps < 20) {
        expect(report).toMatchObject({ valid: true, size: Math.min(step * steps, whole.size) });
        report = await verify(caller, {
          entries_max: Math.max(step, 50),
          since_size: report.size,
          since_root: report.root,
        });
        entries += report.entries;
        checkpoints += report.checkpoints;
        steps = report.size / step;
      }
      if (!report.complete) continue;
      expect({ valid: report.valid, entries, checkpoints, root: report.root }).toEqual({
        valid: true,
        entries: whole.entries,
        checkpoints: whole.checkpoints,
        root: whole.root,
      });
    }
  });

  test("passes over what was verified before, and finds what was changed after", async () => {
    const caller = await logOf(300);
    const before = await verify(caller);
    await Promise.all(
      Array.from({ length: 20 }, () => caller.call("POST", "/v1/risk/transactions", payment())),
    );
    await sealedEntries(system, caller.projectId);
    const since = { since_size: before.size, since_root: before.root };
    expect(await verify(caller, since)).toMatchObject({
      valid: true,
      since: before.size,
      complete: true,
    });
    await tamper(
      caller,
      `update ledger.payloads set payload = replace(payload, '12345', '99999') where tenant_id = $1
       and entry_id = (select id from ledger.entries where tenant_id = $1 and index = ${before.size + 3})`,
    );
    expect((await verify(caller, since)).first).toMatchObject({
      kind: "payload_changed",
      at: before.size + 3,
      expected: expect.stringMatching(/^[0-9a-f]{64}$/),
      found: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test("finds that the log does not begin with what was verified before", async () => {
    const caller = await logOf(300);
    const { size } = await verify(caller);
    const wrong = "0".repeat(64);
    expect((await verify(caller, { since_size: size, since_root: wrong })).first).toMatchObject({
      kind: "history_changed",
      at: size,
      expected: wrong,
    });
    // Tiles that were changed lead elsewhere, although the entries under them are passed over.
    await tamper(
      caller,
      "update ledger.tiles set root = set_byte(root, 9, get_byte(root, 9) # 1) where tenant_id = $1",
    );
    expect((await verify(caller, { since_size: size })).first).toMatchObject({
      kind: "history_changed",
    });
  });

  test("refuses a place that the log has not reached, or at which nothing was signed", async () => {
    const caller = await logOf(3);
    expect(await verify(caller, { since_size: 1_000 })).toMatchObject({
      code: "action/since_ahead",
    });
    await tamper(caller, "delete from ledger.checkpoints where tenant_id = $1 and size = 2");
    expect(await verify(caller, { since_size: 2 })).toMatchObject({ code: "action/since_unknown" });
  });
});

describe("the first wrong place", () => {
  test("is told with what was expected there, whatever is wrong after it", async () => {
    const caller = await logOf(60);
    const edit = (index: number) =>
      tamper(
        caller,
        `update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'done', 'lost'), 'UTF8')
         where tenant_id = $1 and index = ${index}`,
      );
    const payloadOf = (index: number) =>
      tamper(
        caller,
        `update ledger.payloads set salt = sha256('x') where tenant_id = $1
         and entry_id = (select id from ledger.entries where tenant_id = $1 and index = ${index})`,
      );
    await edit(50);
    await payloadOf(40);
    await payloadOf(30);
    const { first, findings } = await verify(caller);
    expect(first).toMatchObject({ kind: "payload_changed", at: 30 });
    expect(findings.length).toBeGreaterThan(2);
    await tamper(caller, "delete from ledger.entries where tenant_id = $1 and index = 12");
    expect((await verify(caller)).first).toMatchObject({
      kind: "entry_missing",
      at: 12,
      expected: "12",
      found: "13",
    });
  });
});

describe("the root log", () => {
  test("holds a log to the heads that it sealed, even when everything of the project was made anew", async () => {
    const caller = await logOf(10);
    await system.sealHeads();
    expect(await verify(caller)).toMatchObject({ valid: true, sealed_heads: 1 });
    const { root } = await verify(caller);
    await tamper(
      caller,
      `update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'done', 'lost'), 'UTF8')
       where tenant_id = $1 and index = 2`,
    );
    const { findings } = await verify(caller);
    const found = findings.find(({ kind }: { kind: string }) => kind === "root_mismatch");
    expect(found).toMatchObject({ at: 10, expected: Buffer.from(root, "hex").toString("base64") });
  });

  test("remembers a tail that was cut off with its checkpoints", async () => {
    const caller = await logOf(10);
    await system.sealHeads();
    const calls = await system.sql<{ id: string }>(
      "select id from ledger.entries where tenant_id = $1 and index >= 6",
      [caller.projectId],
    );
    expect(calls).toHaveLength(4);
    await tamper(caller, "delete from ledger.entries where tenant_id = $1 and index >= 6");
    await tamper(caller, "delete from ledger.checkpoints where tenant_id = $1 and size > 6");
    const { findings } = await verify(caller);
    expect(findings).toContainEqual(
      expect.objectContaining({ kind: "truncated", at: 10, expected: "10", found: "6" }),
    );
  });

  test("is verified itself", async () => {
    const caller = await logOf(1);
    await system.sealHeads();
    expect(await verify(caller, { log: "root" })).toMatchObject({
      valid: true,
      log: "sealbase.test/log/root",
      complete: true,
    });
    await system.sql(
      `update ledger.payloads p set payload = '{"checkpoint":"another"}' from ledger.root_heads r
       where p.tenant_id = r.tenant_id and p.entry_id = r.entry_id and r.log_id = $1`,
      [caller.projectId],
    );
    expect(await verify(caller, { log: "root" })).toMatchObject({
      valid: false,
      first: { kind: "payload_changed" },
    });
    expect((await verify(caller)).first).toMatchObject({ kind: "root_mismatch" });
  });
});
