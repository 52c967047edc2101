import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyReceipt } from "#verifier";
import { activatePolicies } from "../policies.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

/** In every word that has to go, and nowhere else. */
const SECRET = "jane-doe-7731";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const pay = async (caller: Caller, more: object = {}, headers: Record<string, string> = {}) =>
  (await caller.call("POST", "/v1/risk/transactions", payment(more), headers)).body;
const erase = (caller: Caller, id: string, reason = "asked for by the person") =>
  caller.call("POST", `/v1/ledger/entries/${id}/erase`, { reason });
const placed = (caller: Caller) => sealedEntries(system, caller.projectId);
const verify = async (caller: Caller) => {
  await placed(caller);
  const { body } = await caller.call("POST", "/v1/ledger/verify");
  return {
    erased: body.erased,
    found: body.findings.map(({ kind, at }: { kind: string; at: number }) => [kind, at]),
  };
};
const entryOf = async (caller: Caller, id: string) =>
  (await caller.call("GET", `/v1/ledger/entries/${id}`)).body;

/** Tables that have a word anywhere in a row of theirs, as text or under the hex of bytes. */
async function tablesWith(word: string): Promise<string[]> {
  const hex = Buffer.from(word).toString("hex");
  const tables = await system.sql<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('control_plane', 'authz', 'security', 'ledger', 'telemetry', 'vedic', 'ops', 'vault')`,
  );
  const found = [];
  for (const { name } of tables) {
    const [row] = await system.sql<{ there: boolean }>(
      `select exists (select from ${name} t where t::text like $1 or t::text like $2) as there`,
      [`%${word}%`, `%${hex}%`],
    );
    if (row!.there) found.push(name);
  }
  return found.sort();
}

describe("an erased payload", () => {
  test("is nowhere any more, and everything about the entry still holds", async () => {
    const caller = await system.project();
    const key = { "idempotency-key": "first" };
    const { id } = await pay(caller, { origin_account: SECRET, external_id: SECRET }, key);
    await pay(caller);
    await placed(caller);
    const before = await entryOf(caller, id);
    const receipt = (await caller.call("GET", `/v1/ledger/entries/${id}/receipt`)).body.receipt;
    expect(await tablesWith(SECRET)).toContain("vedic.transactions");

    const answer = await erase(caller, id);
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        id,
        index: 0,
        payload_hash: before.payload_hash,
        erased: {
          payload: 1,
          decisions: 1,
          scores: 1,
          payments: 1,
          events: 0,
          answers: 1,
          deliveries: 0,
          approvals: 0,
        },
      },
    ]);
    expect(await tablesWith(SECRET)).toEqual([]);
    expect(await verify(caller)).toEqual({ erased: 1, found: [] });

    const erasure = (await placed(caller)).at(-1)!;
    expect([erasure.action, erasure.outcome, erasure.refs["entry"]]).toEqual([
      "ledger.payload.erase",
      "done",
      id,
    ]);
    const { payload } = await entryOf(caller, erasure.id);
    expect([payload.request.input.reason, payload.outcome.output]).toEqual([
      "asked for by the person",
      answer.body,
    ]);

    const after = await entryOf(caller, id);
    expect(after).toEqual({ ...before, payload: null, erased_by: erasure.id });
    const { keys } = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
    const again = (await caller.call("GET", `/v1/ledger/entries/${id}/receipt`)).body.receipt;
    for (const text of [receipt, again])
      expect(verifyReceipt(text, keys)).toMatchObject({ ok: true, index: 0 });

    const why = (await caller.call("GET", `/v1/decisions/${id}/why`)).body;
    expect(why.calls[0].request.input).toBeNull();
    expect(why.calls[0].seal).toEqual({
      entry_id: id,
      index: 0,
      payload: "erased",
      erased_by: erasure.id,
    });
    expect(why.text).toContain(`erased by ${erasure.id}`);
    const replay = (await caller.call("POST", `/v1/decisions/${id}/replay`, {})).body;
    // The call, and the one that erased it.
    expect([replay.agrees, replay.calls.length]).toEqual([true, 2]);
    expect(replay.calls[0]).toEqual({
      id,
      agrees: null,
      engine_unknown: null,
      erased_by: erasure.id,
      outcome: null,
      trace_hash: null,
      score: null,
    });
    const feed = await caller.call(
      "GET",
      "/v1/realtime?after=0.0&events_max=1&channels=entries",
      undefined,
      {
        accept: "text/event-stream",
      },
    );
    expect(feed.text).toContain(`"erased_by":"${erasure.id}"`);
    expect(feed.text).toContain('"payload":null');
  });

  test("keeps its Idempotency-Key taken: neither done again nor answered", async () => {
    const caller = await system.project();
    const key = { "idempotency-key": "once" };
    const { id } = await pay(caller, { amount_cents: 5 }, key);
    await placed(caller);
    await erase(caller, id);
    for (const amount_cents of [5, 6]) {
      const { status, body } = await caller.call(
        "POST",
        "/v1/risk/transactions",
        payment({ amount_cents }),
        key,
      );
      expect([status, body.code]).toEqual([410, "request/answer_erased"]);
    }
    expect(
      await system.sql("select from vedic.transactions where tenant_id = $1", [caller.projectId]),
    ).toEqual([]);
  });

  test("goes with its event, its delivery to a webhook and the decision that it asked for", async () => {
    const caller = await system.project();
    const heard: string[] = [];
    let status = 500;
    const target = createServer((request, response) => {
      request.setEncoding("utf8").on("data", (text: string) => heard.push(text));
      request.on("end", () => response.writeHead(status).end());
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    const { port } = target.address() as AddressInfo;
    const worker = await system.another();
    worker.work();
    try {
      const url = `http://127.0.0.1:${port}/`;
      await caller.call("POST", "/v1/webhooks", {
        url,
        channels: ["entries", "decisions", "security"],
      });
      const refused = await caller.call(
        "POST",
        "/v1/risk/transactions",
        payment({ amount_cents: 1_000_000_001, origin_account: SECRET }),
      );
      expect(refused.body.code).toBe("policy/denied");
      const asked = await caller.call("POST", "/v1/decisions", {
        principal: { type: "User", id: "somebody" },
        action: "ledger.entry.get",
        resource: { type: "Entry", id: SECRET },
      });
      await expect.poll(() => heard.length, { timeout: 5_000 }).toBeGreaterThan(0);
      const count = () =>
        system.sql("select from ops.outbox where tenant_id = $1 and payload like $2", [
          caller.projectId,
          `%${SECRET}%`,
        ]);
      // The entries of both, the refusal's event, and three decisions: theirs and the one that was asked for.
      await expect.poll(async () => (await count()).length, { timeout: 5_000 }).toBeGreaterThan(3);
      const log = await placed(caller);
      const mine = log.filter(({ refs }) =>
        [refused, asked].some(({ headers }) => refs["request"] === headers["x-request-id"]),
      );
      expect(mine).toHaveLength(2);
      const parts = [];
      for (const { id } of mine) parts.push((await erase(caller, id)).body.erased);
      expect(parts.map(({ events, decisions }) => [events, decisions])).toEqual([
        [1, 1],
        [0, 2],
      ]);
      expect(await tablesWith(SECRET)).toEqual([]);
      const sent = heard.length;
      status = 200;
      await system.sql(
        "update ops.outbox set due_at = now() where tenant_id = $1 and status = 'waiting'",
        [caller.projectId],
      );
      const told = (text: string) => JSON.parse(text).type;
      await expect
        .poll(() => heard.slice(sent).map(told), { timeout: 5_000 })
        .toContain("sealbase.erased");
      expect(heard.slice(sent).join()).not.toContain(SECRET);
      expect((await verify(caller)).found).toEqual([]);
    } finally {
      target.close();
    }
  });

  test("goes with the input that a person approved", async () => {
    const caller = await system.project();
    const { body: policies } = await caller.call("GET", "/v1/policies/default");
    const document = structuredClone(policies.document);
    document.staticPolicies["admins-may-do-everything"].annotations = { approval: "required" };
    await activatePolicies(caller, document);
    const session = (
      await caller.call("POST", "/v1/agent-sessions", { name: "a", writes: ["risk"] })
    ).body;
    const agent = system.as(session.key, caller.projectId);
    const ask = () =>
      agent.call("POST", "/v1/risk/transactions", payment({ origin_account: SECRET }));
    const { approval_id } = (await ask()).body.facts;
    await caller.call("POST", `/v1/approvals/${approval_id}/settle`, { granted: true });
    const { id } = (await ask()).body;
    const log = await placed(caller);
    // Its own words are in what was refused first, and in what the person was shown.
    const others = log.filter(
      ({ outcome, action }) => outcome === "refused" || action === "agents.approval.settle",
    );
    expect(others).toHaveLength(2);
    expect((await erase(caller, id)).body.erased).toMatchObject({ payments: 1, approvals: 1 });
    for (const other of others)
      expect((await erase(caller, other.id)).body.erased).toMatchObject({ payload: 1 });
    expect(await tablesWith(SECRET)).toEqual([]);
    expect((await caller.call("GET", "/v1/approvals")).body.items[0].input).toBeNull();
  });

  test("is erased once, by whichever of two calls is faster", async () => {
    const caller = await system.project();
    const { id } = await pay(caller);
    await placed(caller);
    const answers = await Promise.all([erase(caller, id), erase(caller, id), erase(caller, id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await verify(caller)).toEqual({ erased: 1, found: [] });
  });
});

describe("erasing is refused", () => {
  type Prepared = { caller: Caller; id: string; by?: Caller };
  const done = async (): Promise<Prepared> => {
    const caller = await system.project();
    const { id } = await pay(caller);
    await placed(caller);
    return { caller, id };
  };
  const keyOf = async (caller: Caller, groups: string[]) => {
    const account = await caller.call("POST", "/v1/service-accounts", { name: "other", groups });
    const key = await caller.call("POST", "/v1/api-keys", {
      service_account_id: account.body.id,
      name: "key",
    });
    return system.as(key.body.key, caller.projectId);
  };
  const cases: [string, string, () => Promise<Prepared>][] = [
    [
      "a second time",
      "action/payload_erased",
      async () => {
        const made = await done();
        await erase(made.caller, made.id);
        return made;
      },
    ],
    [
      "of an erasure",
      "action/not_erasable",
      async () => {
        const { caller, id } = await done();
        await erase(caller, id);
        return { caller, id: (await placed(caller)).at(-1)!.id };
      },
    ],
    [
      "of what the vault sealed",
      "action/not_erasable",
      async () => {
        const caller = await system.project();
        await caller.call("POST", "/v1/vault/entries", { session_id: "s" });
        return { caller, id: (await placed(caller)).at(-1)!.id };
      },
    ],
    [
      "of the seal of reads",
      "action/not_erasable",
      async () => {
        const caller = await system.project();
        await caller.call("GET", "/v1/me");
        await system.parts.reads.flush(true);
        return { caller, id: (await placed(caller)).at(-1)!.id };
      },
    ],
    [
      "of a payload that somebody took away",
      "action/payload_missing",
      async () => {
        const made = await done();
        await system.sql("delete from ledger.payloads where entry_id = $1", [made.id]);
        return made;
      },
    ],
    [
      "of nothing",
      "action/entry_missing",
      async () => ({ caller: await system.project(), id: "00000000-0000-4000-8000-000000000000" }),
    ],
    [
      "of another project's",
      "action/entry_missing",
      async () => ({ ...(await done()), by: await system.project() }),
    ],
    [
      "to auditors",
      "policy/denied",
      async () => {
        const made = await done();
        return { ...made, by: await keyOf(made.caller, ["auditors"]) };
      },
    ],
    [
      "to services",
      "policy/denied",
      async () => {
        const made = await done();
        return { ...made, by: await keyOf(made.caller, ["services"]) };
      },
    ],
    [
      "to agents",
      "policy/not_for_agents",
      async () => {
        const made = await done();
        const session = { name: "agent", writes: ["ledger.payload"] };
        const { body } = await made.caller.call("POST", "/v1/agent-sessions", session);
        return { ...made, by: system.as(body.key, made.caller.projectId) };
      },
    ],
  ];
  test.each(cases)("%s", async (_, code, prepare) => {
    const { caller, id, by = caller } = await prepare();
    const rows = () =>
      system.sql("select p.entry_id, p.payload from ledger.payloads p where p.entry_id = $1", [id]);
    const before = await rows();
    expect((await erase(by, id)).body.code).toBe(code);
    expect(await rows()).toEqual(before);
  });

  test("without a reason", async () => {
    const { caller, id } = await done();
    expect((await erase(caller, id, "")).body.code).toBe("request/invalid");
  });
});

describe("verification tells an erasure from", () => {
  const takeAway = "delete from ledger.payloads where tenant_id = $1 and entry_id = $2";
  const book =
    "insert into ledger.erasures (tenant_id, entry_id, erasure_id) select $1, $2, id from ledger.entries where tenant_id = $1 and index = ";
  test.each<[string, string[]]>([
    ["a payload that somebody took away", [takeAway]],
    ["one that was booked as erased, too", [takeAway, `${book} 2`]],
    ["one that was booked under another entry's erasure", [takeAway, `${book} 3`]],
    [
      "one that was booked under an entry that is not there",
      [
        takeAway,
        `insert into ledger.erasures (tenant_id, entry_id, erasure_id) values ($1, $2, $2)`,
      ],
    ],
  ])("%s", async (_, statements) => {
    const caller = await system.project();
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await pay(caller)).id);
    await placed(caller);
    await erase(caller, ids[0]);
    expect(await verify(caller)).toEqual({ erased: 1, found: [] });
    for (const statement of statements) await system.sql(statement, [caller.projectId, ids[1]]);
    expect(await verify(caller)).toEqual({ erased: 1, found: [["payload_missing", 1]] });
  });

  test("a payload that came back from a backup, which is erased once more", async () => {
    const caller = await system.project();
    const { id } = await pay(caller);
    await placed(caller);
    const kept = await system.sql<{ salt: Buffer; payload: string }>(
      "select salt, payload from ledger.payloads where entry_id = $1",
      [id],
    );
    await erase(caller, id);
    await system.sql(
      "insert into ledger.payloads (tenant_id, entry_id, salt, payload) values ($1, $2, $3, $4)",
      [caller.projectId, id, kept[0]!.salt, kept[0]!.payload],
    );
    expect((await verify(caller)).found).toEqual([["payload_restored", 0]]);
    expect((await erase(caller, id)).status).toBe(200);
    expect(await verify(caller)).toEqual({ erased: 1, found: [] });
  });
});

test("the role of the server erases through its routine alone, and one payload of its own project", async () => {
  const [mine, other] = [await system.project(), await system.project()];
  const [a, b] = [await pay(mine), await pay(other)];
  await Promise.all([placed(mine), placed(other)]);
  const { db } = system.parts;
  const as = <T>(caller: Caller, text: string, values: unknown[]) =>
    db
      .transaction({ role: "writer", tenantId: caller.projectId }, async () => undefined)
      .then(() =>
        db.pool.connect().then(async (client) => {
          try {
            await client.query("begin");
            await client.query("set local role sealbase_writer");
            await client.query("select set_config('app.tenant_id', $1, true)", [caller.projectId]);
            return (await client.query(text, values)).rows as T[];
          } finally {
            await client.query("rollback");
            client.release();
          }
        }),
      );
  const erasing = "select part, removed::int from ledger.erase($1, $1)";
  expect(await as(mine, erasing, [b.id])).toEqual([]);
  expect(await as(mine, erasing, [a.id])).toContainEqual({ part: "payload", removed: 1 });
  for (const text of [
    "delete from ledger.payloads where entry_id = $1",
    "insert into ledger.erasures (tenant_id, entry_id, erasure_id) values (ops.tenant(), $1, $1)",
    "delete from ledger.archived where id = $1",
  ])
    await expect(as(mine, text, [a.id])).rejects.toMatchObject({ code: "42501" });
});
