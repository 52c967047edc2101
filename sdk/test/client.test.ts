import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { eachItem, SealbaseClient, SealbaseRefusal, SealbaseUnanswered } from "../src/index.ts";
import { hangUp, json, problem, silence, startServer, text } from "./server.ts";

const PAYMENT = {
  type: "TRANSFER",
  amount_cents: 1,
  origin_account: "A",
  destination_account: "B",
} as const;
const KEY = "sk_secret";
const client = (url: string, more: object = {}) => new SealbaseClient({ url, key: KEY, ...more });

describe("a call", () => {
  it("is sent where the operation is, with the key", async () => {
    const { url, seen } = await startServer(json(200, { id: "x" }));
    const { ledger } = client(`${url}/base/`, { acknowledge: "durable" });
    const got = await ledger.entry.get({ id: "a/b c" }, { idempotencyKey: "k" });
    expect(got).toEqual({ id: "x" });
    expect(seen[0]).toMatchObject({
      method: "GET",
      url: "/base/v1/ledger/entries/a%2Fb%20c",
      headers: { authorization: `Bearer ${KEY}` },
      body: "",
    });
    expect(seen[0]!.headers).not.toHaveProperty("idempotency-key");
    expect(seen[0]!.headers).not.toHaveProperty("prefer");
  });

  it.each([
    ["a query", { limit: 5, cursor: undefined, action: "a&b" }, "?limit=5&action=a%26b"],
    ["no query", {}, ""],
  ])("puts what is not in the path of a read into %s", async (_, input, query) => {
    const { url, seen } = await startServer(json(200, {}));
    await client(url).authz.decision.list(input as never);
    expect(seen[0]!.url).toBe(`/v1/decisions${query}`);
  });

  it("puts the other fields of a write into the body", async () => {
    const { url, seen } = await startServer(json(200, {}));
    await client(url).controlPlane.project.update({ id: "p", score_max: 0.5 });
    expect(seen[0]).toMatchObject({
      method: "PATCH",
      url: "/v1/projects/p",
      body: '{"score_max":0.5}',
    });
  });

  it.each(["", ".", ".."])("refuses the id %j, which would lead elsewhere", async (id) => {
    const { url, seen } = await startServer(json(200, {}));
    await expect(client(url).telemetry.chain.why({ id })).rejects.toThrow(TypeError);
    expect(seen).toEqual([]);
  });

  it("carries the caller's choices, of the client or of the call", async () => {
    const { url, seen } = await startServer(json(201, {}));
    const patient = client(url, { acknowledge: "published" });
    await patient.risk.transaction.assess(PAYMENT);
    await patient.risk.transaction.assess(PAYMENT, {
      acknowledge: "durable",
      requestId: "r",
      idempotencyKey: "k",
    });
    await patient.risk.transaction.assess(PAYMENT, { acknowledge: undefined as never });
    expect(seen.map(({ headers }) => headers["prefer"])).toEqual([
      "wait=published",
      "wait=durable",
      "wait=published",
    ]);
    expect(seen[1]!.headers).toMatchObject({ "x-request-id": "r", "idempotency-key": "k" });
  });

  it("shows its key to nobody who prints it", () => {
    const printed = inspect(client("http://localhost"), { depth: 9, showHidden: true });
    expect(printed).toContain("assess");
    expect(printed).not.toContain(KEY);
  });

  it.each(["ftp://x", "x"])("needs a URL of a server, not %s", (url) => {
    expect(() => client(url)).toThrow(TypeError);
  });
});

describe("the answer", () => {
  it("has what is known of the call beside it", async () => {
    const { url } = await startServer(
      json(
        201,
        { id: "t" },
        {
          "Sealbase-Call": "c",
          "Sealbase-Entry": "index=41, size=42",
          "X-Request-Id": "r",
          "Idempotency-Replayed": "true",
          "Server-Timing": "request;dur=0.10, policy;dur=2.00",
        },
      ),
    );
    const { output, meta } = await client(url).withMeta.risk.transaction.assess(PAYMENT, {
      idempotencyKey: "k",
    });
    expect(output).toEqual({ id: "t" });
    expect(meta).toEqual({
      id: "c",
      requestId: "r",
      status: 201,
      entry: { index: 41, size: 42 },
      repeated: true,
      timings_ms: { request: 0.1, policy: 2 },
      attempts: 1,
      idempotencyKey: "k",
    });
  });

  it("is a refusal when the server says no", async () => {
    const { url, seen } = await startServer(problem(403, "policy/denied"));
    const refused = client(url).controlPlane.me.get();
    await expect(refused).rejects.toBeInstanceOf(SealbaseRefusal);
    await expect(refused).rejects.toMatchObject({
      code: "policy/denied",
      status: 403,
      message: "No",
      facts: { at: 1 },
      help: "Wait.",
      requestId: "r-1",
    });
    expect(seen).toHaveLength(1);
  });

  it("is one result an item for an array", async () => {
    const refusal = {
      title: "No",
      status: 403,
      code: "score/too_risky",
      facts: {},
      help: "H",
      request_id: "r",
    };
    const results = [
      { ok: true, status: 201, output: { id: "t" } },
      { ok: false, status: 403, problem: refusal },
    ];
    const { url, seen } = await startServer(json(207, { results }));
    const [first, second] = await client(url).risk.transaction.assess([PAYMENT, PAYMENT]);
    expect(first).toEqual(results[0]);
    expect(second).toMatchObject({ ok: false, refusal: { code: "score/too_risky" } });
    expect(JSON.parse(seen[0]!.body)).toEqual([PAYMENT, PAYMENT]);
  });

  it.each([
    ["a page of a proxy", text(200, "<html>")],
    ["JSON of another program", json(404, { error: "?" })],
    ["a redirect", text(307, "{}", { Location: "https://elsewhere.example/" })],
  ])("is none when it is %s", async (_, reply) => {
    const { url, seen } = await startServer(reply);
    await expect(client(url).controlPlane.me.get()).rejects.toBeInstanceOf(SealbaseUnanswered);
    expect(seen).toHaveLength(1);
  });
});

describe("sending again", () => {
  it.each([
    ["the connection breaks", hangUp],
    ["there are too many calls", problem(429, "request/too_many", { "Retry-After": "0" })],
    ["the server is away", problem(503, "engine/unavailable")],
    ["a proxy cannot reach it", text(502, "<html>")],
  ])("keeps the Idempotency-Key when %s", async (_, trouble) => {
    const { url, seen } = await startServer(trouble, trouble, json(201, { id: "t" }));
    const { meta } = await client(url).withMeta.risk.transaction.assess(PAYMENT);
    expect(meta.attempts).toBe(3);
    const keys = seen.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toEqual(Array.from({ length: 3 }, () => meta.idempotencyKey));
    expect(meta.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("takes a new key for a new call", async () => {
    const { url, seen } = await startServer(json(201, {}));
    const { risk } = client(url);
    await risk.transaction.assess(PAYMENT);
    await risk.transaction.assess(PAYMENT);
    expect(seen[0]!.headers["idempotency-key"]).not.toBe(seen[1]!.headers["idempotency-key"]);
  });

  it("waits as long as Retry-After says", async () => {
    const { url } = await startServer(
      problem(503, "seal/overloaded", { "Retry-After": "1" }),
      json(200, {}),
    );
    const start = performance.now();
    await client(url).controlPlane.me.get();
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it("leaves it to the caller when Retry-After says more than a minute", async () => {
    const { url, seen } = await startServer(
      problem(503, "seal/overloaded", { "Retry-After": "61" }),
    );
    await expect(client(url).controlPlane.me.get()).rejects.toMatchObject({
      code: "seal/overloaded",
    });
    expect(seen).toHaveLength(1);
  });

  it("ends with the refusal that came last", async () => {
    const { url, seen } = await startServer(problem(503, "engine/unavailable"));
    await expect(client(url, { retries: 1 }).controlPlane.me.get()).rejects.toMatchObject({
      status: 503,
    });
    expect(seen).toHaveLength(2);
  });

  it("ends with the key of a write whose outcome nobody knows", async () => {
    const { url, seen } = await startServer(hangUp);
    const lost = await client(url, { retries: 1 })
      .risk.transaction.assess(PAYMENT)
      .catch((error) => error);
    expect(lost).toBeInstanceOf(SealbaseUnanswered);
    expect(lost).toMatchObject({
      attempts: 2,
      idempotencyKey: seen[0]!.headers["idempotency-key"],
    });
  });

  it("gives every attempt its time", async () => {
    const { url, seen } = await startServer(silence, json(200, {}));
    await client(url).controlPlane.me.get({}, { timeout_ms: 50 });
    expect(seen).toHaveLength(2);
    const mute = await startServer(silence);
    const { signal } = new AbortController();
    const lost = client(mute.url).controlPlane.me.get({}, { timeout_ms: 50, retries: 0, signal });
    await expect(lost).rejects.toThrow("No answer in 50 ms");
  });

  it.each([
    ["an attempt", silence],
    ["the wait between two", problem(503, "seal/overloaded", { "Retry-After": "30" })],
  ])("stops when the caller does, in %s", async (_, reply) => {
    const { url, seen } = await startServer(reply);
    const start = performance.now();
    const call = client(url).controlPlane.me.get({}, { signal: AbortSignal.timeout(100) });
    await expect(call).rejects.toMatchObject({ name: "TimeoutError" });
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(seen).toHaveLength(1);
  });

  it("sends nothing once the caller has stopped", async () => {
    const { url, seen } = await startServer(json(200, {}));
    const call = client(url).controlPlane.me.get(
      {},
      { signal: AbortSignal.abort(new Error("gone")) },
    );
    await expect(call).rejects.toThrow("gone");
    expect(seen).toEqual([]);
  });
});

describe("a list", () => {
  it("is walked page after page", async () => {
    const { url, seen } = await startServer(
      json(200, { items: [1, 2], next_cursor: "c" }),
      json(200, { items: [3], next_cursor: null }),
    );
    const items: unknown[] = [];
    for await (const item of eachItem(client(url).ledger.entry.list, { limit: 2 }))
      items.push(item);
    expect(items).toEqual([1, 2, 3]);
    expect(seen.map((call) => call.url)).toEqual([
      "/v1/ledger/entries?limit=2",
      "/v1/ledger/entries?limit=2&cursor=c",
    ]);
  });
});
