import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "#kernel/package-root.ts";
import {
  beginInput,
  endorseInput,
  firstSet,
  type Key,
  keyOf,
  MAINTAINERS,
  NODE,
  NOW_S,
  recordInput,
  rotateInput,
  type Set,
} from "../registries.ts";
import { type Caller, openTestSystem, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const [one, two, three] = MAINTAINERS as [Key, Key, Key];
const NEXT = [4, 5, 6].map(keyOf) as [Key, Key, Key];
const gate = firstSet("gate");

async function begun(): Promise<Caller> {
  const caller = await system.project();
  const { status } = await caller.call("POST", "/v1/aliases", beginInput(gate));
  expect(status).toBe(201);
  return caller;
}
const submit = (caller: Caller, input: object) => caller.call("POST", "/v1/alias-records", input);
const endorse = (caller: Caller, made: { id: string; record: string }, by: Key, set: Set = gate) =>
  caller.call("POST", `/v1/alias-records/${made.id}/endorse`, endorseInput(set, made, by));
const rotate = (caller: Caller, input: object) =>
  caller.call("POST", "/v1/alias-maintainers", input);
const resolve = (caller: Caller) => caller.call("GET", "/v1/aliases/resolve?alias=gate");

async function final(caller: Caller, input: Parameters<typeof recordInput>[0] = {}) {
  const { body } = await submit(caller, recordInput(input));
  for (const by of [one, three]) expect((await endorse(caller, body, by)).status).toBe(200);
  return body;
}

describe("an alias", () => {
  test("names a node once two of three have endorsed its record, and everything is sealed", async () => {
    const caller = await begun();
    expect((await resolve(caller)).body).toMatchObject({
      code: "action/alias_unresolved",
      facts: { reason: "no final record" },
    });
    const { status, body, headers } = await submit(caller, recordInput({}));
    expect([status, body.is_final, body.endorsements]).toEqual([201, false, []]);
    expect(body).toMatchObject({
      id: headers["sealbase-call"],
      node: NODE.node,
      seq: 1,
      ts: NOW_S,
    });
    const first = await endorse(caller, body, three);
    expect([first.status, first.body.is_final]).toEqual([200, false]);
    expect((await resolve(caller)).status).toBe(404);
    const second = await endorse(caller, body, one);
    expect(second.body.is_final).toBe(true);
    expect(second.body.endorsements.map((e: { maintainer: string }) => e.maintainer)).toEqual(
      [one.publicKey, three.publicKey].toSorted(),
    );
    expect((await resolve(caller)).body).toMatchObject({
      alias: "gate",
      node: NODE.node,
      latest: { id: body.id, is_final: true },
      before: [],
    });
    expect((await endorse(caller, body, two)).body.endorsements).toHaveLength(3);
    const entries = await sealedEntries(system, caller.projectId);
    expect(entries.map(({ action, outcome }) => [action, outcome])).toEqual([
      ["registries.alias.begin", "done"],
      ["registries.alias-record.submit", "done"],
      ["registries.alias-record.endorse", "done"],
      ["registries.alias-record.endorse", "done"],
      ["registries.alias-record.endorse", "done"],
    ]);
    expect(entries[2]!.refs).toMatchObject({ alias_record: body.id });
  });

  test("begins once, with three keys that differ and are not weak", async () => {
    const caller = await begun();
    const again = await caller.call("POST", "/v1/aliases", beginInput(gate));
    expect([again.status, again.body.code]).toEqual([409, "action/alias_taken"]);
    const keys = MAINTAINERS.map(({ publicKey }) => publicKey);
    for (const maintainers of [
      keys.slice(1),
      [...keys, NODE.publicKey],
      [keys[0], keys[0], keys[1]],
      [...keys.slice(1), "00".repeat(32)],
    ]) {
      const body = { alias: "other", maintainers };
      expect((await caller.call("POST", "/v1/aliases", body)).body.code).toBe("request/invalid");
    }
    const one = { alias: "other", maintainers: keys, min_signers: 1 };
    expect((await caller.call("POST", "/v1/aliases", one)).body.code).toBe("request/invalid");
  });

  test("at once begins once", async () => {
    const caller = await system.project();
    const other = (await system.another()).as(caller.key, caller.projectId);
    const ways = [caller, other, caller, other].map((way) =>
      way.call("POST", "/v1/aliases", beginInput(gate)),
    );
    const statuses = (await Promise.all(ways)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([201, 409, 409, 409]);
  });

  test("shows its latest final record and five before it, and lists everything", async () => {
    const caller = await begun();
    for (const seq of [1, 2, 3, 5, 8, 13, 21]) await final(caller, { seq });
    await submit(caller, recordInput({ seq: 34 }));
    const { latest, before } = (await resolve(caller)).body;
    expect([latest.seq, ...before.map(({ seq }: { seq: number }) => seq)]).toEqual([
      21, 13, 8, 5, 3, 2,
    ]);
    const list = await caller.call("GET", "/v1/alias-records?alias=gate&limit=2");
    expect(list.body.items.map(({ seq }: { seq: number }) => seq)).toEqual([34, 21]);
    const next = `/v1/alias-records?alias=gate&limit=2&cursor=${list.body.next_cursor}`;
    const more = await caller.call("GET", next);
    expect(more.body.items.map(({ seq }: { seq: number }) => seq)).toEqual([13, 8]);
    const { items } = (await caller.call("GET", "/v1/aliases")).body;
    expect(items).toEqual([
      { alias: "gate", maintainers_number: 1, node: NODE.node, seq: 21, ts: NOW_S },
    ]);
  });
});

describe("a record is refused", () => {
  let caller: Caller;
  beforeAll(async () => {
    caller = await begun();
    await final(caller, { seq: 5 });
  });
  const YEAR_S = 365 * 24 * 60 * 60;

  test.each<[string, () => object, number, string, object]>([
    [
      "of another alias",
      () => recordInput({ alias: "nothing" }),
      404,
      "action/alias_missing",
      { alias: "nothing" },
    ],
    [
      "that came before",
      () => recordInput({ seq: 5 }),
      409,
      "action/alias_seq_replay",
      { reference: "ALIAS_SEQ_REPLAY", alias: "gate", seq: 5, highest: 5 },
    ],
    [
      "of a seq below",
      () => recordInput({ seq: 4, by: keyOf(11) }),
      409,
      "action/alias_seq_replay",
      { reference: "ALIAS_SEQ_REPLAY", alias: "gate", seq: 4, highest: 5 },
    ],
    [
      "with another key than the node's",
      () => ({ ...recordInput({ seq: 6 }), public_key: keyOf(11).publicKey }),
      400,
      "action/alias_sig_invalid",
      {
        reference: "ALIAS_SIG_INVALID",
        alias: "gate",
        reason: "public_key is not that of the node",
      },
    ],
    [
      "older than 365 days",
      () => recordInput({ seq: 6, ts: NOW_S - YEAR_S - 5 }),
      400,
      "action/alias_ts_refused",
      { ts: NOW_S - YEAR_S - 5 },
    ],
    [
      "from the future",
      () => recordInput({ seq: 6, ts: NOW_S + 1_000 }),
      400,
      "action/alias_ts_refused",
      { ts: NOW_S + 1_000 },
    ],
  ])("%s", async (_, input, status, code, facts) => {
    const answer = await submit(caller, input());
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.facts).toMatchObject(facts);
  });

  test("with any one of its bytes changed", async () => {
    const { record, public_key } = recordInput({ seq: 9 });
    const bytes = Buffer.from(record, "hex");
    const codes = new Set<string>();
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i]! ^= 1;
      const { body } = await submit(caller, { record: changed.toString("hex"), public_key });
      codes.add(body.code);
    }
    expect([...codes].toSorted()).toEqual(["action/alias_sig_invalid", "action/record_malformed"]);
    expect((await submit(caller, { record, public_key })).status).toBe(201);
  });

  test("whose maintainer's endorsement is not of it", async () => {
    const { body } = await submit(caller, recordInput({ seq: 10 }));
    const other = recordInput({ seq: 11 });
    const right = endorseInput(gate, body, one);
    const wrong: object[] = [
      endorseInput(gate, other, one),
      endorseInput({ ...gate, number: 2 }, body, one),
      endorseInput({ ...gate, alias: "gates" }, body, one),
      endorseInput(gate, body, NODE),
      { ...right, maintainer: two.publicKey },
      ...Array.from({ length: 64 }, (_, i) => ({
        ...right,
        signature: changedHex(right.signature, i),
      })),
    ];
    for (const input of wrong) {
      const answer = await caller.call("POST", `/v1/alias-records/${body.id}/endorse`, input);
      expect([answer.status, answer.body.code]).toEqual([400, "action/alias_sig_invalid"]);
      expect(answer.body.facts.reference).toBe("ALIAS_SIG_INVALID");
    }
    expect((await endorse(caller, body, one)).status).toBe(200);
    const twice = await endorse(caller, body, one);
    expect([twice.status, twice.body.code]).toEqual([409, "action/endorsed_already"]);
    const list = await caller.call("GET", "/v1/alias-records?alias=gate&limit=1");
    expect(list.body.items[0]).toMatchObject({ id: body.id, is_final: false });
  });
});

const changedHex = (hex: string, i: number): string => {
  const bytes = Buffer.from(hex, "hex");
  bytes[i]! ^= 1;
  return bytes.toString("hex");
};

describe("seq", () => {
  test("of a record that nobody endorses stands in nobody's way", async () => {
    const caller = await begun();
    await submit(caller, recordInput({ seq: Number.MAX_SAFE_INTEGER, by: keyOf(11) }));
    await final(caller, { seq: 1 });
    expect((await resolve(caller)).body.latest.seq).toBe(1);
  });

  test("below the final one is not endorsed any more", async () => {
    const caller = await begun();
    const { body: late } = await submit(caller, recordInput({ seq: 1, by: keyOf(11) }));
    expect((await endorse(caller, late, one)).status).toBe(200);
    await final(caller, { seq: 2 });
    const answer = await endorse(caller, late, two);
    expect([answer.status, answer.body.code]).toEqual([409, "action/alias_seq_replay"]);
    expect((await resolve(caller)).body.node).toBe(NODE.node);
  });

  test("of two records that are endorsed at once, the final ones rise", async () => {
    const caller = await begun();
    const other = (await system.another()).as(caller.key, caller.projectId);
    const records = [];
    for (const seq of [1, 2]) records.push((await submit(caller, recordInput({ seq }))).body);
    const ways = records.flatMap((made) =>
      [one, two].map((by, i) => endorse(i === 0 ? caller : other, made, by)),
    );
    const answers = await Promise.all(ways);
    // Those of the greater seq always come; those of the smaller one until the greater is final.
    expect(answers.slice(2).map(({ status }) => status)).toEqual([200, 200]);
    for (const { status, body } of answers.slice(0, 2))
      if (status !== 200) expect(body.code).toBe("action/alias_seq_replay");
    expect((await resolve(caller)).body.latest.seq).toBe(2);
  });
});

describe("rotation", () => {
  test("is signed by exactly two of the current maintainers, and hands everything over", async () => {
    const caller = await begun();
    await final(caller, { seq: 1 });
    const { status, body } = await rotate(caller, rotateInput(gate, NEXT, [one, three]));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      number: 2,
      maintainers: NEXT.map(({ publicKey }) => publicKey),
      rotation_signers: [one.publicKey, three.publicKey],
    });
    const { body: kept } = await caller.call("GET", "/v1/alias-maintainers?alias=gate&number=1");
    expect(kept).toMatchObject({ number: 1, rotation_signers: [] });
    expect((await resolve(caller)).body.latest.seq).toBe(1);
    const next = { alias: "gate", number: 2, maintainers: NEXT };
    const { body: made } = await submit(caller, recordInput({ seq: 2, by: keyOf(11) }));
    for (const by of [one, two])
      expect((await endorse(caller, made, by)).body.code).toBe("action/alias_sig_invalid");
    for (const by of NEXT.slice(1)) await endorse(caller, made, by, next);
    expect((await resolve(caller)).body.node).toBe(keyOf(11).node);
  });

  test("ends what the old maintainers had not finished", async () => {
    const caller = await begun();
    const { body: made } = await submit(caller, recordInput({}));
    await endorse(caller, made, one);
    await rotate(caller, rotateInput(gate, NEXT, [one, two]));
    const answer = await endorse(caller, made, two);
    expect([answer.status, answer.body.code, answer.body.facts]).toEqual([
      409,
      "action/alias_rotation_conflict",
      { reference: "ALIAS_ROTATION_CONFLICT", alias: "gate", number: 1, current: 2 },
    ]);
    expect((await resolve(caller)).status).toBe(404);
    await expect(
      system.sql("select ledger.final_alias_seq($1, 'gate') as seq", [caller.projectId]),
    ).resolves.toEqual([{ seq: null }]);
  });

  test.each<[string, (set: Set) => object]>([
    ["nobody's signature", (set) => rotateInput(set, NEXT, [])],
    ["one signature", (set) => rotateInput(set, NEXT, [one])],
    ["three signatures", (set) => rotateInput(set, NEXT, [one, two, three])],
    ["one twice", (set) => rotateInput(set, NEXT, [one, one])],
    ["a stranger's", (set) => rotateInput(set, NEXT, [one, NODE])],
    ["one of the next set", (set) => rotateInput(set, NEXT, [one, NEXT[0]])],
    [
      "those of other maintainers to be",
      (set) => ({
        ...rotateInput(set, NEXT, [one, two]),
        maintainers: [4, 5, 7].map((n) => keyOf(n).publicKey),
      }),
    ],
    [
      "those of another alias",
      (set) => ({ ...rotateInput({ ...set, alias: "other" }, NEXT, [one, two]), alias: "gate" }),
    ],
    [
      "those of another set",
      (set) => ({ ...rotateInput({ ...set, number: 2 }, NEXT, [one, two]), number: 1 }),
    ],
  ])("with %s changes nothing", async (_, input) => {
    const caller = await begun();
    const answer = await rotate(caller, input(gate));
    expect([answer.status, answer.body.code]).toEqual([400, "action/alias_sig_invalid"]);
    const { body } = await caller.call("GET", "/v1/alias-maintainers?alias=gate");
    expect(body.number).toBe(1);
  });

  test("at once: one wins, the others conflict", async () => {
    const caller = await begun();
    const other = (await system.another()).as(caller.key, caller.projectId);
    const ways = [7, 20, 30, 40].map((n, i) =>
      rotate(
        i % 2 === 0 ? caller : other,
        rotateInput(gate, [n, n + 1, n + 2].map(keyOf), [one, two]),
      ),
    );
    const answers = await Promise.all(ways);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    for (const { status, body } of answers)
      if (status === 409)
        expect([body.code, body.facts]).toEqual([
          "action/alias_rotation_conflict",
          { reference: "ALIAS_ROTATION_CONFLICT", alias: "gate", number: 1, current: 2 },
        ]);
    const { body } = await caller.call("GET", "/v1/alias-maintainers?alias=gate");
    expect(body.number).toBe(2);
  });

  test("of a set that is no more conflicts", async () => {
    const caller = await begun();
    await rotate(caller, rotateInput(gate, NEXT, [one, two]));
    const again = await rotate(caller, rotateInput(gate, NEXT, [one, two]));
    expect([again.status, again.body.code]).toEqual([409, "action/alias_rotation_conflict"]);
  });
});

describe("365 days", () => {
  const DAY_MS = 24 * 60 * 60 * 1000;

  test("after it was signed the latest record is ignored, and none before it comes back", async () => {
    const clocked = await openTestSystem();
    try {
      const caller = clocked.home;
      let now_ms = NOW_S * 1000;
      Object.assign(clocked.parts, { clock: () => now_ms });
      await caller.call("POST", "/v1/aliases", beginInput(gate));
      await final(caller, { seq: 1, ts: NOW_S });
      await final(caller, { seq: 2, ts: NOW_S - 86_400 });
      now_ms += 364 * DAY_MS;
      expect((await resolve(caller)).body.latest.seq).toBe(2);
      now_ms += 1;
      // The one before is a day younger; an alias that was left alone lapses all the same.
      expect((await resolve(caller)).body).toMatchObject({
        code: "action/alias_unresolved",
        facts: { reason: "expired" },
      });
      const { items } = (await caller.call("GET", "/v1/aliases")).body;
      expect(items).toEqual([
        { alias: "gate", maintainers_number: 1, node: null, seq: null, ts: null },
      ]);
      const ts = Math.floor(now_ms / 1000);
      await final(caller, { seq: 3, ts });
      const { latest, before } = (await resolve(caller)).body;
      expect([latest.seq, before.map(({ seq }: { seq: number }) => seq)]).toEqual([3, [1]]);
      const { body: slow } = await submit(caller, recordInput({ seq: 4, ts }));
      now_ms += 366 * DAY_MS;
      expect((await endorse(caller, slow, one)).body.code).toBe("action/alias_ts_refused");
    } finally {
      await clocked.stop();
    }
  });
});

test("the how-to's code keeps an alias", async () => {
  const caller = await system.project();
  const code = /```js\n([\s\S]*?)```/.exec(
    readFileSync(join(packageRoot, "../docs/how-to/keep-an-alias.md"), "utf8"),
  )![1]!;
  const folder = mkdtempSync(join(tmpdir(), "sealbase-how-to-"));
  try {
    const file = join(folder, "keep.mjs");
    writeFileSync(file, code.replace('"cborg"', `"${import.meta.resolve("cborg")}"`));
    const keep = await import(/* @vite-ignore */ file);
    const keys = Array.from({ length: 7 }, () => generateKeyPairSync("ed25519").privateKey);
    const [a, b, c, d, e, f, node] = keys;
    const [alias, ts] = ["gäte", NOW_S];
    const first = { alias, number: 1, maintainers: [a, b, c].map(keep.keyOf) };
    const second = { alias, number: 2, maintainers: [d, e, f].map(keep.keyOf) };
    const begin = await caller.call("POST", "/v1/aliases", {
      alias,
      maintainers: first.maintainers,
    });
    expect(begin.body.digest).toBe(keep.digestOf(first).toString("hex"));
    const { body: made } = await submit(caller, keep.record(node, alias, 1, ts));
    for (const key of [b, c])
      await caller.call(
        "POST",
        `/v1/alias-records/${made.id}/endorse`,
        keep.endorse(key, first, made),
      );
    const path = `/v1/aliases/resolve?alias=${encodeURIComponent(alias)}`;
    expect((await caller.call("GET", path)).body.latest.id).toBe(made.id);
    const signatures = [a, c].map((key) => keep.handOver(key, first, second));
    const rotated = await rotate(caller, { ...second, number: 1, signatures });
    expect(rotated.body.digest).toBe(keep.digestOf(second).toString("hex"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
