import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLog } from "#kernel/log.ts";
import { type Json, linesInto } from "../observed.ts";
import {
  endorsePaymentInput,
  endorsersOf,
  forwardingInput,
  HOUR_S,
  type Key,
  keyOf,
  keysetInput,
  NODE,
  NOW_S,
  paymentInput,
  START_S,
  sha256,
} from "../registries.ts";
import { type Caller, openTestSystem, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const announce = async (caller: Caller, ...keys: string[]) =>
  (await caller.call("POST", "/v1/voucher-keysets", keysetInput(...keys))).body;
const publish = (caller: Caller, input: object) =>
  caller.call("POST", "/v1/payment-records", input);
const endorse = (caller: Caller, made: { id: string; record: string }, by: Key) =>
  caller.call("POST", `/v1/payment-records/${made.id}/endorse`, endorsePaymentInput(made, by));
const activate = (caller: Caller, id: string) =>
  caller.call("POST", `/v1/voucher-keysets/${id}/activate`, {});
const statusOf = async (caller: Caller, id: string) =>
  (await caller.call("GET", `/v1/payment-records/${id}`)).body.status;

/** A project with a keyset and a record about it that its five endorsers brought into force. */
async function inForce(more: Partial<Parameters<typeof paymentInput>[0]> = {}) {
  const caller = await system.project();
  const keyset = await announce(caller);
  const { body: made } = await publish(caller, paymentInput({ keyset: keyset.id, ...more }));
  for (const by of endorsersOf(5)) expect((await endorse(caller, made, by)).status).toBe(200);
  return { caller, keyset, made };
}

describe("a payment record", () => {
  test.each([
    [5, 5],
    [6, 5],
    [7, 5],
    [8, 6],
    [9, 6],
    [10, 7],
    [12, 8],
  ])("with %i endorsers is in force with %i of them", async (total, needed) => {
    const caller = await system.project();
    const keyset = await announce(caller);
    const endorsers = endorsersOf(total);
    const { body } = await publish(caller, paymentInput({ keyset: keyset.id, endorsers }));
    expect(body).toMatchObject({ status: "open", number: 1, keyset_id: keyset.id });
    const seen = [];
    for (const by of endorsers.slice(0, needed))
      seen.push((await endorse(caller, body, by)).body.status);
    expect(seen).toEqual([...Array(needed - 1).fill("open"), "in_force"]);
    expect(await statusOf(caller, body.id)).toBe("in_force");
  });

  test("quorums are exact for every number", async () => {
    const rows = await system.sql<{ e: string; t: string; q: boolean }>(
      "select e, t, ledger.is_quorum(e, t) as q from generate_series(0, 40) e, generate_series(5, 40) t",
    );
    for (const { e, t, q } of rows)
      expect(q).toBe(BigInt(e) >= 5n && 3n * BigInt(e) >= 2n * BigInt(t));
    const [large] = await system.sql<{ q: boolean }>(
      "select ledger.is_quorum(6004799503160661, 9007199254740992) as q",
    );
    expect(large).toEqual({ q: false });
  });

  test("is endorsed by its endorsers only, once each, and by their own signatures", async () => {
    const { caller, made } = await inForce({ endorsers: endorsersOf(9) });
    expect(await statusOf(caller, made.id)).toBe("open");
    // endorsersOf(5) are those of 100 to 104.
    const [sixth, seventh] = [keyOf(105), keyOf(106)];
    const right = endorsePaymentInput(made, sixth);
    const stranger = keyOf(1);
    const wrong = [
      endorsePaymentInput(made, stranger),
      { ...right, endorser: seventh.publicKey },
      endorsePaymentInput({ record: `${made.record.slice(0, -2)}00` }, sixth),
      { endorser: sixth.publicKey, signature: sixth.sign(sha256(Buffer.from(made.record, "hex"))) },
      ...Array.from({ length: 64 }, (_, i) => {
        const bytes = Buffer.from(right.signature, "hex");
        bytes[i]! ^= 1;
        return { ...right, signature: bytes.toString("hex") };
      }),
    ];
    for (const input of wrong) {
      const answer = await caller.call("POST", `/v1/payment-records/${made.id}/endorse`, input);
      expect([answer.status, answer.body.code]).toEqual([400, "action/registry_sig_invalid"]);
    }
    const again = await endorse(caller, made, keyOf(100));
    expect([again.status, again.body.code]).toEqual([409, "action/endorsed_already"]);
    expect(await statusOf(caller, made.id)).toBe("open");
    expect((await endorse(caller, made, sixth)).body.status).toBe("in_force");
  });

  test("follows the one in force, whose endorsers decide; what was open before lapses", async () => {
    const mine = endorsersOf(5, 200);
    const { caller, keyset, made } = await inForce();
    const next = { keyset: keyset.id, previous: made.record_hash, endorsers: mine };
    const { body: second } = await publish(caller, paymentInput({ ...next, number: 2 }));
    const { body: third } = await publish(caller, paymentInput({ ...next, number: 3 }));
    expect([second.status, third.status]).toEqual(["open", "open"]);
    // Whoever names himself an endorser is none yet.
    expect((await endorse(caller, third, mine[0]!)).body.code).toBe("action/registry_sig_invalid");
    for (const by of endorsersOf(5)) await endorse(caller, third, by);
    const { items } = (await caller.call("GET", "/v1/payment-records")).body;
    expect(
      items.map(({ number, status }: { number: number; status: string }) => [number, status]),
    ).toEqual([
      [3, "in_force"],
      [2, "lapsed"],
      [1, "superseded"],
    ]);
    const late = await endorse(caller, second, endorsersOf(5)[0]!);
    expect([late.status, late.body.code, late.body.facts]).toEqual([
      409,
      "action/payment_record_closed",
      { id: second.id, number: 2, in_force: 3 },
    ]);
    const fourth = paymentInput({ ...next, number: 4, previous: third.record_hash });
    const { body } = await publish(caller, fourth);
    expect(body.endorsers).toEqual(mine.map(({ publicKey }) => publicKey));
    for (const by of mine) await endorse(caller, body, by);
    expect(await statusOf(caller, body.id)).toBe("in_force");
  });

  test.each<[string, object, number, string]>([
    ["of no keyset", { keyset: "00".repeat(32) }, 404, "action/voucher_keyset_missing"],
    ["of another curve", { curve: "P-256" }, 400, "action/voucher_keyset_curve"],
    ["that leaves a number out", { number: 3 }, 409, "action/payment_record_conflict"],
    ["that was there", { number: 1 }, 409, "action/payment_record_conflict"],
    ["that follows nothing", { previous: null }, 409, "action/payment_record_conflict"],
    ["that follows another", { previous: "00".repeat(32) }, 409, "action/payment_record_conflict"],
    ["of four endorsers", { endorsers: endorsersOf(4) }, 400, "action/record_malformed"],
    [
      "of endorsers in another order",
      { endorsers: endorsersOf(5).toReversed() },
      400,
      "action/record_malformed",
    ],
    ["with one more field", { more: 1 }, 400, "action/record_malformed"],
  ])("%s is refused", async (_, more, status, code) => {
    const { caller, keyset, made } = await inForce();
    const right = { keyset: keyset.id, number: 2, previous: made.record_hash };
    const answer = await publish(caller, paymentInput({ ...right, ...more }));
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test("endorsed at once comes into force once", async () => {
    const caller = await system.project();
    const other = (await system.another()).as(caller.key, caller.projectId);
    const keyset = await announce(caller);
    const { body } = await publish(caller, paymentInput({ keyset: keyset.id }));
    const ways = endorsersOf(5).map((by, i) => endorse(i % 2 === 0 ? caller : other, body, by));
    const statuses = (await Promise.all(ways)).map((answer) => answer.body.status);
    expect(statuses.toSorted()).toEqual(["in_force", "open", "open", "open", "open"]);
  });
});

describe("a voucher keyset", () => {
  test("has the hash of its sorted keys as id", async () => {
    const caller = await system.project();
    const [a, b] = ["ab".repeat(48), "cd".repeat(48)];
    const made = await announce(caller, b!, a!);
    expect(made).toMatchObject({
      id: sha256(Buffer.from(a! + b!, "hex")).toString("hex"),
      public_keys: [a, b],
      status: "announced",
    });
    expect(await announce(caller, a!, b!)).toMatchObject({
      code: "action/voucher_keyset_taken",
      facts: { id: made.id },
    });
  });

  test.each([
    ["no keys", { public_keys: [] }],
    ["keys of two lengths", { public_keys: ["ab".repeat(32), "cd".repeat(33)] }],
    ["a key twice", { public_keys: ["ab".repeat(32), "ab".repeat(32)] }],
    ["an end before its begin", { valid_to: "2025-01-01T00:00:00.000Z" }],
  ])("is not made of %s", async (_, more) => {
    const { body } = await system.home.call("POST", "/v1/voucher-keysets", {
      ...keysetInput(),
      ...more,
    });
    expect(body.code).toBe("request/invalid");
  });

  test("is activated while the registry's record in force names it, then retired, and not back", async () => {
    const { caller, keyset } = await inForce();
    const other = await announce(caller, "ee".repeat(32));
    expect((await activate(caller, other.id)).body).toMatchObject({
      code: "action/voucher_keyset_not_in_force",
      facts: { in_force: keyset.id },
    });
    expect((await activate(caller, keyset.id)).body.status).toBe("active");
    expect((await activate(caller, keyset.id)).body).toMatchObject({
      code: "action/voucher_keyset_conflict",
      facts: { status: "active" },
    });
    const retire = (id: string) => caller.call("POST", `/v1/voucher-keysets/${id}/retire`, {});
    expect((await retire(keyset.id)).body.status).toBe("retired");
    expect((await retire(keyset.id)).body.code).toBe("action/voucher_keyset_conflict");
    expect((await activate(caller, keyset.id)).body.code).toBe("action/voucher_keyset_conflict");
    expect((await retire(other.id)).body.status).toBe("retired");
    const { items } = (await caller.call("GET", "/v1/voucher-keysets")).body;
    expect(items.map(({ status }: { status: string }) => status)).toEqual(["retired", "retired"]);
  });

  test("without a record in force is not activated", async () => {
    const caller = await system.project();
    const keyset = await announce(caller);
    await publish(caller, paymentInput({ keyset: keyset.id }));
    expect((await activate(caller, keyset.id)).body.facts).toEqual({
      id: keyset.id,
      in_force: null,
    });
  });
});

describe("a voucher", () => {
  const REST = "5ec7e7".padEnd(64, "5") + "516e".padEnd(128, "6");
  const check = (caller: Caller, voucher: string) =>
    caller.call("POST", "/v1/vouchers/check", { voucher });

  test("is taken while its keyset is active and within its time", async () => {
    const lines: Json[] = [];
    const clocked = await openTestSystem();
    try {
      let now_ms = Date.now();
      Object.assign(clocked.parts, {
        clock: () => now_ms,
        log: openLog("trace", linesInto(lines)),
      });
      const caller = clocked.home;
      const seen = async () => {
        const { body } = await check(caller, keyset.id + REST);
        return [body.is_known, body.is_taken, body.status];
      };
      const input = { ...keysetInput(), valid_to: "2100-01-01T00:00:00.000Z" };
      const { body: keyset } = await caller.call("POST", "/v1/voucher-keysets", input);
      expect((await check(caller, "00".repeat(32) + REST)).body).toMatchObject({
        is_known: false,
        is_taken: false,
        status: null,
      });
      expect(await seen()).toEqual([true, false, "announced"]);
      const { body: made } = await publish(caller, paymentInput({ keyset: keyset.id }));
      for (const by of endorsersOf(5)) await endorse(caller, made, by);
      await activate(caller, keyset.id);
      expect(await seen()).toEqual([true, true, "active"]);
      const real_ms = now_ms;
      for (const [at, taken] of [
        ["2025-12-31T23:59:59.999Z", false],
        ["2026-01-01T00:00:00.000Z", true],
        ["2099-12-31T23:59:59.999Z", true],
        ["2100-01-01T00:00:00.000Z", false],
      ] as const) {
        now_ms = Date.parse(at);
        expect((await seen())[1]).toBe(taken);
      }
      now_ms = real_ms;
      await caller.call("POST", `/v1/voucher-keysets/${keyset.id}/retire`, {});
      expect(await seen()).toEqual([true, false, "retired"]);
    } finally {
      await clocked.stop();
    }
  });

  test("leaves nothing of its secret: allowed, denied, malformed, repeated", async () => {
    const lines: Json[] = [];
    const quiet = await openTestSystem({ slowCall_ms: 0, slowQuery_ms: 0 });
    try {
      Object.assign(quiet.parts, { log: openLog("trace", linesInto(lines)) });
      const { home } = quiet;
      const keyset = await announce(home);
      const voucher = keyset.id + REST;
      const account = await home.call("POST", "/v1/service-accounts", { name: "nobody" });
      const key = await home.call("POST", "/v1/api-keys", {
        service_account_id: account.body.id,
        name: "key",
      });
      const stranger = quiet.as(key.body.key);
      const answers = [
        await check(home, voucher),
        await home.call(
          "POST",
          "/v1/vouchers/check",
          { voucher },
          { "idempotency-key": "k", "x-request-id": "r" },
        ),
        await check(stranger, voucher),
        await check(home, `${voucher}00`),
        await check(home, voucher.toUpperCase()),
        await home.call("POST", "/v1/vouchers/check", { voucher, [REST]: 1, secret: REST }),
        await home.call("POST", "/v1/vouchers/check", `{"voucher":"${voucher}`),
      ];
      expect(answers.map(({ status, body }) => body.code ?? status)).toEqual([
        200,
        200,
        "policy/denied",
        "request/invalid",
        "request/invalid",
        "request/invalid",
        "request/unparsable",
      ]);
      await quiet.parts.reads.flush(true);
      const entries = await sealedEntries(quiet, home.projectId);
      expect(entries.map(({ action }) => action)).toContain("registries.voucher.check");
      const needles = [REST.slice(0, 32), REST.slice(64, 96)];
      const everything = await databaseText(quiet);
      // What was sealed of the denied call is there, with the keyset, so the search does find what is kept.
      expect(everything).toContain(`"voucher":{"keyset_id":"${keyset.id}"}`);
      for (const needle of needles)
        for (const form of [needle, needle.toUpperCase()]) {
          expect(everything).not.toContain(form);
          expect(JSON.stringify(lines)).not.toContain(form);
        }
    } finally {
      await quiet.stop();
    }
  });
});

/** Every row of every table as text, bytes as the text that they are, too. */
async function databaseText(from: TestSystem): Promise<string> {
  const tables = await from.sql<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)'`,
  );
  const texts: string[] = [];
  for (const { name } of tables)
    for (const row of await from.sql(`select * from ${name}`))
      for (const value of Object.values(row))
        texts.push(
          Buffer.isBuffer(value)
            ? `${value.toString("latin1")} ${value.toString("hex")}`
            : typeof value === "string"
              ? value
              : JSON.stringify(value),
        );
  return texts.join("\n");
}

describe("forwarding", () => {
  const account = (caller: Caller, ...input: Parameters<typeof forwardingInput>) =>
    caller.call("POST", "/v1/forwarding", forwardingInput(...input));
  const sums = async (caller: Caller, query = "") =>
    (await caller.call("GET", `/v1/forwarding/sums${query}`)).body;

  test("is recorded as the relay signed it, and summed up exactly", async () => {
    const caller = await system.project();
    const MAX = Number.MAX_SAFE_INTEGER;
    const { status, body } = await account(caller, { bytes: MAX, units: MAX });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      relay: NODE.node,
      period_start: "2026-05-01T00:00:00.000Z",
      period_end: "2026-05-01T01:00:00.000Z",
      forwarded_bytes: MAX,
      charged_units: MAX,
      keyset_id: null,
    });
    await account(caller, { bytes: MAX, units: 2, peer: "22".repeat(20) });
    await account(caller, { start: START_S + HOUR_S, end: START_S + 2 * HOUR_S });
    await account(caller, { start: START_S + 24 * HOUR_S, end: START_S + 25 * HOUR_S });
    await account(caller, { peer: null, bytes: 5, units: 6 });
    await account(caller, {}, keyOf(11));
    const of = (relay: string, period: string, records: number, bytes: bigint, units: bigint) => ({
      relay,
      period: `2026-05-${period}T00:00:00.000Z`,
      records,
      forwarded_bytes: String(bytes),
      charged_units: String(units),
    });
    const max = BigInt(MAX);
    const wanted = [
      of(NODE.node, "01", 3, 2n * max + 1_000n, max + 9n),
      of(NODE.node, "02", 1, 1_000n, 7n),
      of(keyOf(11).node, "01", 1, 1_000n, 7n),
    ].toSorted((a, b) => (a.relay + a.period < b.relay + b.period ? -1 : 1));
    expect((await sums(caller)).items).toEqual(wanted);
    expect((await sums(caller, "?of=totals")).items).toEqual([of(NODE.node, "01", 1, 5n, 6n)]);
    expect((await sums(caller, `?by=month&relay=${NODE.node}`)).items).toEqual([
      of(NODE.node, "01", 4, 2n * max + 2_000n, max + 16n),
    ]);
    const until = "?from=2026-05-01T00:00:00Z&until=2026-05-02T00:00:00Z";
    expect((await sums(caller, until)).items).toHaveLength(2);
    const paged = [];
    for (let cursor = ""; ; ) {
      const page = await sums(caller, `?limit=1${cursor}`);
      paged.push(...page.items);
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(paged).toEqual(wanted);
    const list = await caller.call("GET", `/v1/forwarding?relay=${keyOf(11).node}`);
    expect(list.body.items).toHaveLength(1);
  });

  test.each<[string, () => object, number, string]>([
    [
      "of another key",
      () => ({ ...forwardingInput(), public_key: keyOf(11).publicKey }),
      400,
      "action/forwarding_sig_invalid",
    ],
    [
      "with another record's signature",
      () => ({ ...forwardingInput(), record: forwardingInput({ units: 8 }).record }),
      400,
      "action/forwarding_sig_invalid",
    ],
    [
      "beyond 2^53 - 1",
      () => forwardingInput({ bytes: 2n ** 53n }),
      400,
      "action/record_malformed",
    ],
    ["of less than nothing", () => forwardingInput({ units: -1 }), 400, "action/record_malformed"],
    ["of a half", () => forwardingInput({ units: 0.5 }), 400, "action/record_malformed"],
    ["of no time", () => forwardingInput({ end: START_S }), 400, "action/record_malformed"],
    [
      "of a period that is not over",
      () => forwardingInput({ start: NOW_S, end: NOW_S + HOUR_S }),
      400,
      "action/forwarding_period_open",
    ],
    [
      "paid with no keyset",
      () => forwardingInput({ keyset: "00".repeat(32) }),
      404,
      "action/voucher_keyset_missing",
    ],
  ])("%s is refused", async (_, input, status, code) => {
    const answer = await system.home.call("POST", "/v1/forwarding", input());
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test.each<[string, number, number, number]>([
    ["the same period", 0, 1, 409],
    ["one within", 0.25, 0.5, 409],
    ["one around", -1, 2, 409],
    ["one that begins before its end", 0.5, 2, 409],
    ["the one before", -1, 0, 201],
    ["the one after", 1, 2, 201],
  ])("%s after one that was recorded", async (_, start, end, status) => {
    const caller = await system.project();
    expect((await account(caller)).status).toBe(201);
    const period = { start: START_S + start * HOUR_S, end: START_S + end * HOUR_S };
    expect((await account(caller, period)).status).toBe(status);
    expect((await account(caller, { ...period, peer: "33".repeat(20) })).status).toBe(201);
  });

  test("at once is recorded once", async () => {
    const caller = await system.project();
    const other = (await system.another()).as(caller.key, caller.projectId);
    const ways = [1, 2, 3, 4].map((units) =>
      account(units % 2 === 0 ? caller : other, { units, start: START_S + units }),
    );
    const answers = await Promise.all(ways);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    expect((await sums(caller)).items[0].records).toBe(1);
  });
});
