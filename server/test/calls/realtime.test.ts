import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openFeed } from "#domains/feed";
import { openStream } from "#pipeline";
import { operations } from "../../src/main.ts";
import { activatePolicies } from "../policies.ts";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";

const watch = operations.find(({ name }) => name === "feed.event.watch")!;
let system: TestSystem;
let url: string;

beforeAll(async () => {
  system = await openTestSystem();
  url = await system.app.listen({ port: 0, host: "127.0.0.1" });
});
afterAll(() => system.stop());

interface Event {
  readonly offset: string;
  readonly channel: string;
  readonly id: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events freely
  readonly data: any;
}

const RISKY = { type: "TRANSFER", amount_cents: 2_000_000_000 };
const assess = (caller: Caller, more: object = {}) =>
  caller.call("POST", "/v1/risk/transactions", payment(more));
/** Everything that a stream over SSE says until it ends. */
async function sse(caller: Caller, query: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${url}/v1/realtime?${query}`, {
    headers: { authorization: `Bearer ${caller.key}`, accept: "text/event-stream", ...headers },
  });
  const text = await answer.text();
  const frames = text.split("\n\n").map((frame) =>
    Object.fromEntries(
      frame.split("\n").flatMap((line) => {
        const at = line.indexOf(": ");
        return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 2)]];
      }),
    ),
  );
  const events: Event[] = frames
    .filter(({ data, event }) => data !== undefined && event === undefined)
    .map(({ data }) => JSON.parse(data!));
  const told = frames.find(({ event }) => event !== undefined);
  return { status: answer.status, text, frames, events, told, answer };
}

const seen = (events: readonly Event[]) =>
  events.filter(({ channel }) => channel !== "head").map(({ channel, id }) => `${channel} ${id}`);

describe("a stream over SSE", () => {
  test("tells of a write: its entry, score, checkpoint and decision, each with its offset", async () => {
    const caller = await system.project();
    const { body } = await assess(caller);
    const { events, frames, told, answer } = await sse(caller, "after=0.0&events_max=4");
    expect(seen(events)).toEqual([
      `entries ${body.id}`,
      `scores ${body.id}`,
      "checkpoints 1",
      `decisions ${body.id}`,
    ]);
    expect(events[0]).toMatchObject({ channel: "head", data: { size: 1, behind: 1 } });
    expect(frames.map(({ id }) => id).filter(Boolean)).toEqual(events.map(({ offset }) => offset));
    expect(told?.["event"]).toBe("end");
    const [entry, score] = events.slice(1);
    expect(entry!.data.payload.outcome.output).toEqual(body);
    expect(score!.data).toMatchObject({ value: body.score, level: body.level });
    await system.parts.reads.flush();
    const why = await caller.call(
      "GET",
      `/v1/decisions/${answer.headers.get("sealbase-call")}/why`,
    );
    expect([why.status, why.body?.calls[0].request.operation]).toEqual([200, "feed.event.watch"]);
  });

  test("tells of a refusal and of a forged key, and both are sealed", async () => {
    const caller = await system.project();
    await assess(caller, RISKY);
    const forged = `${caller.key.slice(0, -2)}${caller.key.endsWith("AA") ? "BB" : "AA"}`;
    await system.as(forged).call("GET", "/v1/me");
    const { events } = await sse(caller, "after=0.0&channels=security&events_max=2");
    expect(
      events.filter(({ channel }) => channel === "security").map(({ data }) => data.kind),
    ).toEqual(["policy/denied", "key_forged"]);
    const log = await caller.call("POST", "/v1/ledger/verify", {});
    expect([log.body.valid, log.body.findings]).toEqual([true, []]);
  });

  test("goes on after any event, without a gap and in the same order", async () => {
    const caller = await system.project();
    for (let i = 0; i < 3; i++) await assess(caller);
    await assess(caller, RISKY);
    const { events } = await sse(caller, "after=0.0&seconds_max=1");
    const whole = events.filter(({ channel }) => channel !== "head");
    expect(whole.length).toBeGreaterThan(10);
    for (const [i, { offset }] of whole.entries()) {
      if (i === whole.length - 1) continue;
      const rest = whole.length - 1 - i;
      const query = `events_max=${rest}`;
      const resumed = await sse(caller, query, { "last-event-id": offset });
      expect(seen(resumed.events)).toEqual(seen(whole.slice(i + 1)));
    }
  });

  test("ends when its key is revoked, and says why", async () => {
    const caller = await system.project();
    const { body: me } = await caller.call("GET", "/v1/me");
    const made = await caller.call("POST", "/v1/api-keys", {
      service_account_id: me.principal.id,
      name: "watcher",
    });
    const client = await open(made.body.key);
    client.say({ type: "subscribe", id: "1" });
    await client.until(({ event }) => event?.channel === "head");
    await caller.call("DELETE", `/v1/api-keys/${made.body.id}`);
    const refused = await client.until(({ type }) => type === "refused");
    expect(refused.problem.code).toBe("request/unauthenticated");
    client.socket.close();
    await client.closed;
  });

  test("gives each reader what the policies let it read, of the past and of the present", async () => {
    const caller = await system.project();
    await assess(caller);
    await assess(caller, RISKY);
    const { body: policies } = await caller.call("GET", "/v1/policies/default");
    const document = structuredClone(policies.document);
    document.staticPolicies["watchers-see-scores"] = {
      effect: "permit",
      principal: { op: "in", entity: { type: "Group", id: "watchers" } },
      action: {
        op: "in",
        entities: ["feed", "telemetry.chain.why"].map((id) => ({ type: "Action", id })),
      },
      resource: { op: "All" },
      conditions: [],
    };
    await activatePolicies(caller, document);
    const account = await caller.call("POST", "/v1/service-accounts", {
      name: "watcher",
      groups: ["watchers"],
    });
    const key = await caller.call("POST", "/v1/api-keys", {
      service_account_id: account.body.id,
      name: "k",
    });
    const { events } = await sse(system.as(key.body.key), "after=0.0&seconds_max=1");
    expect([...new Set(events.map(({ channel }) => channel))].toSorted()).toEqual([
      "head",
      "scores",
      "security",
    ]);
  });

  test("tells of what a job found", async () => {
    const caller = await system.project();
    await assess(caller);
    await system.sql(
      "update vedic.transactions set amount_cents = amount_cents + 1 where tenant_id = $1",
      [caller.projectId],
    );
    system.work();
    const { body: job } = await caller.call("POST", "/v1/ledger/audits", {});
    const { events } = await sse(caller, "after=0.0&channels=security&events_max=1&seconds_max=20");
    const [found] = events.filter(({ channel }) => channel === "security");
    expect(found?.data).toMatchObject({
      kind: "log_invalid",
      severity: "critical",
      request_id: job.id,
    });
  });

  test.each<[string, string, Record<string, string>, number, string]>([
    ["an offset of another log", "after=900.0", {}, 200, "action/offset_ahead"],
    ["a channel that is not there", "channels=gossip", {}, 400, "request/invalid"],
    ["a bad offset", "after=1", {}, 400, "request/invalid"],
    ["no stream", "", { accept: "application/json" }, 406, "request/not_acceptable"],
    ["no key", "", { authorization: "" }, 401, "request/unauthenticated"],
  ])("%s is refused", async (_, query, headers, status, code) => {
    const got = await sse(system.home, query, headers);
    const problem = got.told === undefined ? got.text : got.told["data"]!;
    expect([got.status, JSON.parse(problem).code]).toEqual([status, code]);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into frames freely
type Frame = any;

/** A socket and what was heard on it. */
async function open(key?: string) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/realtime`, {
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  });
  const heard: Frame[] = [];
  let wake = () => {};
  socket.on("message", (data: Buffer) => {
    heard.push(JSON.parse(data.toString()));
    wake();
  });
  const closed = once(socket, "close");
  await once(socket, "open");
  return {
    socket,
    heard,
    closed,
    say: (frame: object) => socket.send(JSON.stringify(frame)),
    async until(found: (frame: Frame) => boolean): Promise<Frame> {
      for (;;) {
        const frame = heard.find(found);
        if (frame !== undefined) return frame;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

test("a server that stops ends the streams that it has", async () => {
  const other = await system.another();
  const where = await other.app.listen({ port: 0, host: "127.0.0.1" });
  const headers = { authorization: `Bearer ${system.home.key}`, accept: "text/event-stream" };
  const answer = await fetch(`${where}/v1/realtime`, { headers });
  const socket = new WebSocket(`${where.replace("http", "ws")}/v1/realtime`, { headers });
  await once(socket, "open");
  const closed = once(socket, "close");
  await other.app.close();
  expect(await answer.text()).toMatch(/event: end\ndata: \{\}\n\n$/);
  expect((await closed)[0]).toBe(1_001);
});

describe("a realtime socket", () => {
  test("carries several subscriptions, live, under the ids that the client chose", async () => {
    const caller = await system.project();
    const client = await open();
    client.say({ type: "hello", key: caller.key });
    client.say({ type: "subscribe", id: "a", input: { channels: ["scores"] } });
    client.say({ type: "subscribe", id: "b", input: { channels: ["entries"] } });
    await client.until(({ id, event }) => id === "a" && event?.channel === "head");
    await client.until(({ id, event }) => id === "b" && event?.channel === "head");
    const { body } = await assess(caller);
    const score = await client.until(({ id, event }) => id === "a" && event?.channel === "scores");
    const entry = await client.until(({ id, event }) => id === "b" && event?.channel === "entries");
    expect([score.event.id, entry.event.id]).toEqual([body.id, body.id]);
    client.say({ type: "unsubscribe", id: "a" });
    await client.until(({ id, type }) => id === "a" && type === "ended");
    client.socket.close();
    await client.closed;
  });

  test.each<[string, object | string, string, boolean]>([
    ["no JSON", "{", "request/bad_frame", true],
    ["an unknown type", { type: "shout" }, "request/bad_frame", true],
    [
      "another operation's name",
      { type: "subscribe", id: "1", operation: "control-plane.me.get" },
      "request/not_a_stream",
      false,
    ],
    [
      "input that does not fit",
      { type: "subscribe", id: "1", input: { after: 1 } },
      "request/invalid",
      false,
    ],
  ])("%s is refused", async (_, frame, code, closes) => {
    const client = await open(system.home.key);
    client.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
    const refused = await client.until(({ type }) => type === "refused");
    expect(refused.problem.code).toBe(code);
    if (!closes) client.socket.close();
    await client.closed;
  });

  test("takes 32 subscriptions and refuses the next; another socket does not notice", async () => {
    const client = await open(system.home.key);
    for (let i = 0; i < 33; i++) client.say({ type: "subscribe", id: String(i) });
    const refused = await client.until(({ type }) => type === "refused");
    expect([refused.id, refused.problem.code]).toEqual(["32", "request/too_many_subscriptions"]);
    client.socket.close();
    await client.closed;
  });

  test("is closed on a frame that is too large", async () => {
    const client = await open(system.home.key);
    client.socket.send("x".repeat(70_000));
    const [code] = await client.closed;
    expect(code).toBe(1_009);
  });

  test("a path without a socket says so", async () => {
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(
      "GET /v1/nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    const [data] = await once(socket, "data");
    expect(String(data)).toMatch(/^HTTP\/1\.1 404 .*request\/no_socket/s);
  });
});

describe("a page of the log", () => {
  test.each<[string, number[], number[]]>([
    ["ends at a mebibyte", [400_000, 400_000, 400_000, 10, 10], [2, 5]],
    ["has one entry however large", [900_000, 900_000, 900_000], [1, 2, 3]],
  ])("%s", async (_, sizes, ends) => {
    const caller = await system.project();
    for (const [i, size] of sizes.entries()) {
      const body = { source: "s", message_id: String(i), payload: "x".repeat(size) };
      expect((await caller.call("POST", "/v1/messages", body)).status).toBe(200);
    }
    const tos: number[] = [];
    for (let from = 0; from < sizes.length; from = tos.at(-1)!)
      tos.push((await system.parts.feed.read(caller.projectId, from)).to);
    expect(tos).toEqual(ends);
  });
});

describe("many readers", () => {
  const WRITES = 100;
  const READERS = 300;

  const idsOf = async (caller: Caller, parts: TestSystem["parts"], after?: string) => {
    const stream = await openStream(parts, watch, {
      credential: caller.key,
      input: { channels: ["entries"], after, events_max: WRITES },
      signal: new AbortController().signal,
    });
    const ids: string[] = [];
    for await (const item of stream.items) {
      const { channel, id } = item as Event;
      if (channel === "entries") ids.push(id!);
    }
    return ids;
  };

  test("hear of every write in one order, while the writes happen", async () => {
    const caller = await system.project();
    const readers = Array.from({ length: READERS }, () => idsOf(caller, system.parts, "0.0"));
    const written = await Promise.all(Array.from({ length: WRITES }, () => assess(caller)));
    const [first, ...others] = await Promise.all(readers);
    expect(new Set(first)).toEqual(new Set(written.map(({ body }) => body.id)));
    for (const ids of others) expect(ids).toEqual(first);
  });

  test("cost the database what one does", async () => {
    const caller = await system.project();
    await Promise.all(Array.from({ length: WRITES }, () => assess(caller)));
    const { db, revision, ledger } = system.parts;
    let transactions = 0;
    const transaction: typeof db.transaction = (...call) => {
      transactions++;
      return db.transaction(...call);
    };
    const parts = { ...system.parts, feed: openFeed({ ...db, transaction }, { revision, ledger }) };
    await Promise.all(Array.from({ length: READERS }, () => idsOf(caller, parts, "0.0")));
    expect(transactions).toBeLessThan(5);
  });
});
