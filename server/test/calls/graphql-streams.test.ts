import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { type Client, createClient } from "graphql-ws";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { openHttp } from "#faces/http.ts";
import { type Operation, openStream } from "#pipeline";
import { operations } from "../../src/main.ts";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";
import type { Anything } from "./graphql.ts";

const WATCH = `subscription ($after: String, $max: Int) {
  feedEventWatch(after: $after, events_max: $max) { offset channel id }
}`;

let system: TestSystem;
let home: Caller;
let url: string;
beforeAll(async () => {
  system = await openTestSystem();
  home = system.home;
  url = `${await system.app.listen({ host: "127.0.0.1", port: 0 })}/graphql`;
});
afterAll(() => system.stop());

const pay = async (): Promise<string> =>
  (await home.call("POST", "/v1/risk/transactions", payment())).body.id;

/** What happened, without the heads in between, which come by the clock. */
const itemsOf = (results: readonly Anything[]): Anything[] =>
  results
    .flatMap(({ data }) => data?.feedEventWatch ?? [])
    .filter(({ channel }) => channel !== "head");

describe("a subscription over server-sent events", () => {
  async function open(body: object, key = home.key, signal?: AbortSignal): Promise<Response> {
    return fetch(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        accept: "text/event-stream",
      },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  const eventsOf = (text: string): Anything[] =>
    [...text.matchAll(/^event: (\w+)\ndata: ?(.*)$/gm)].map(([, event, data]) =>
      event === "next" ? JSON.parse(data!) : event,
    );

  test("tells what happens, and ends as the operation does", async () => {
    const id = await pay();
    const answer = await open({ query: WATCH, variables: { after: "0.0", max: 2 } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const events = eventsOf(await answer.text());
    expect(events.at(-1)).toBe("complete");
    expect(itemsOf(events).map((item) => item.id)).toEqual([id, id]);
    expect(events[0].extensions.sealbase.calls).toEqual([
      expect.objectContaining({ operation: "feed.event.watch", path: ["feedEventWatch"] }),
    ]);
    expect(events[1].extensions).toBeUndefined();
  });

  test("goes on after an offset", async () => {
    const after = async (offset: string, max: number) =>
      itemsOf(
        eventsOf(await (await open({ query: WATCH, variables: { after: offset, max } })).text()),
      );
    await pay();
    const items = await after("0.0", 4);
    expect(await after(items[1].offset, 2)).toEqual(items.slice(2));
  });

  test.each([
    ["who is not known", { query: WATCH }, "sk_no", "request/unauthenticated"],
    [
      "an offset that is none",
      { query: WATCH, variables: { after: "x" } },
      undefined,
      "request/invalid",
    ],
    [
      "what is not valid",
      { query: "subscription { nothing }" },
      undefined,
      "request/graphql_invalid",
    ],
    [
      "two at once",
      { query: "subscription { a: feedEventWatch { id } b: feedEventWatch { id } }" },
      undefined,
      "request/graphql_invalid",
    ],
  ])("refuses %s", async (_, body, key, code) => {
    const [told, end] = eventsOf(await (await open(body, key)).text());
    expect([told.errors[0].extensions.code, end]).toEqual([code, "complete"]);
  });
});

/** A stream of numbers without end, in place of the real one, and what became of it. */
async function numbers(): Promise<{
  url: string;
  given: () => number;
  ended: Promise<void>;
  close: () => Promise<void>;
}> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let given = 0;
  const stream: Operation = {
    ...operations.find(({ name }) => name === "feed.event.watch")!,
    output: z.object({ id: z.string() }).meta({ id: "Number" }),
    async *stream({ signal }) {
      try {
        for (; !signal.aborted; given++) {
          yield { id: `${given} ${"x".repeat(10_000)}` };
          await setImmediate();
        }
      } finally {
        resolve();
      }
    },
  };
  const health = async () => ({ state: "ok", reasons: [] }) as never;
  const app = openHttp(
    system.parts,
    [...operations.filter(({ kind }) => kind !== "stream"), stream],
    health,
  );
  const at = await app.listen({ host: "127.0.0.1", port: 0 });
  return { url: `${at}/graphql`, given: () => given, ended, close: () => app.close() };
}

const NUMBERS = "subscription { feedEventWatch { id } }";
/** More than the sockets' buffers of an idle machine hold. */
const AHEAD_MAX = 2_000;

describe("a reader who is slow or leaves", () => {
  test("over events: what is not read is not asked for, and the stream ends with the connection", async () => {
    const { url: at, given, ended, close } = await numbers();
    const leaving = new AbortController();
    const answer = await fetch(at, {
      method: "POST",
      headers: {
        authorization: `Bearer ${home.key}`,
        "content-type": "application/json",
        accept: "text/event-stream",
      },
      body: JSON.stringify({ query: NUMBERS }),
      signal: leaving.signal,
    });
    const reader = answer.body!.getReader();
    await reader.read();
    await settled(given);
    expect(given()).toBeLessThan(AHEAD_MAX);
    leaving.abort();
    await ended;
    await close();
  });

  test("over a socket: the same", async () => {
    const { url: at, given, ended, close } = await numbers();
    const socket = await openSocket(at, home.key);
    (socket as Anything)._socket.pause();
    socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query: NUMBERS } }));
    await settled(given);
    expect(given()).toBeLessThan(AHEAD_MAX);
    socket.terminate();
    await ended;
    await close();
  });

  test("a stopping server ends those over sockets", async () => {
    const { url: at, ended, close } = await numbers();
    const socket = await openSocket(at, home.key);
    const begun = heard(socket, "1");
    subscribeTo(socket, "1", NUMBERS);
    await begun;
    await Promise.all([close(), ended, once(socket, "close")]);
  });

  test("a stopping server ends those over events", async () => {
    const { url: at, ended, close } = await numbers();
    const answer = await fetch(at, {
      method: "POST",
      headers: {
        authorization: `Bearer ${home.key}`,
        "content-type": "application/json",
        accept: "text/event-stream",
      },
      body: JSON.stringify({ query: NUMBERS }),
    });
    const reader = answer.body!.getReader();
    await reader.read();
    const read = async () => {
      while (!(await reader.read()).done);
    };
    await Promise.all([close(), ended, read()]);
  });
});

/** Waits until something has begun, and does not grow any more. */
async function settled(count: () => number): Promise<void> {
  for (let last = -1; last !== count() || last === 0; ) {
    last = count();
    for (let turn = 0; turn < 100; turn++) await setImmediate();
  }
}

async function openSocket(at: string, key: string): Promise<WebSocket> {
  const socket = new WebSocket(at.replace("http", "ws"), "graphql-transport-ws");
  await once(socket, "open");
  socket.send(
    JSON.stringify({ type: "connection_init", payload: { authorization: `Bearer ${key}` } }),
  );
  await once(socket, "message");
  return socket;
}

describe("a socket", () => {
  let client: Client | undefined;
  afterEach(async () => client?.dispose());
  const open = (key: string): Client =>
    (client = createClient({
      url: url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${key}` },
      retryAttempts: 0,
    }));

  async function results(payload: Anything, key = home.key): Promise<Anything[]> {
    const found: Anything[] = [];
    for await (const result of open(key).iterate(payload)) found.push(result);
    return found;
  }

  test("takes subscriptions", async () => {
    await pay();
    const found = await results({ query: WATCH, variables: { after: "0.0", max: 2 } });
    expect(itemsOf(found)).toHaveLength(2);
    expect(found[0].extensions.sealbase.calls).toHaveLength(1);
  });

  test("takes calls, each with headers of its own", async () => {
    const headers = { "Idempotency-Key": crypto.randomUUID(), "X-Request-Id": "ws-1" };
    const query =
      "mutation ($input: RiskTransactionAssessInput!) { riskTransactionAssess(input: $input) { id } }";
    const ask = () => results({ query, variables: { input: payment() }, extensions: { headers } });
    const [[one], [again]] = [await ask(), await ask()];
    expect(again.data).toEqual(one.data);
    expect(one.extensions.sealbase.calls[0]).toMatchObject({ request_id: "ws-1", repeated: false });
    expect(again.extensions.sealbase.calls[0]).toMatchObject({ repeated: true });
  });

  test.each([
    ["what is not valid", { query: "{ nothing }" }, "request/graphql_invalid"],
    [
      "what is too deep",
      { query: `${"{ a ".repeat(100)}${"}".repeat(100)}` },
      "request/graphql_too_deep",
    ],
    [
      "what is too long",
      { query: `{ __typename } # ${"x".repeat(110_000)}` },
      "request/graphql_too_long",
    ],
  ])("refuses %s, and goes on", async (_, payload, code) => {
    const ws = open(home.key);
    const failed = new Promise((_resolve, reject) =>
      ws.subscribe(payload, { next() {}, error: reject, complete() {} }),
    );
    await expect(failed).rejects.toEqual([
      expect.objectContaining({ extensions: expect.objectContaining({ code }) }),
    ]);
    const next = await ws.iterate({ query: "{ __typename }" }).next();
    expect(next.value).toEqual({ data: { __typename: "Query" } });
  });

  test.each([
    ["a wrong key", (socket: WebSocket) => init(socket, "sk_no"), 4_403],
    ["no key", (socket: WebSocket) => socket.send('{"type":"connection_init"}'), 4_403],
    [
      "an operation before the key",
      (socket: WebSocket) => subscribeTo(socket, "1", "{ __typename }"),
      4_401,
    ],
    ["what is no message", (socket: WebSocket) => socket.send("{"), 4_400],
    [
      "__proto__",
      (socket: WebSocket) => socket.send('{"type":"connection_init","payload":{"__proto__":{}}}'),
      4_400,
    ],
    [
      "what is nested too deep",
      (socket: WebSocket) => socket.send(`${"[".repeat(1_000)}${"]".repeat(1_000)}`),
      4_400,
    ],
    ["a frame that is too large", (socket: WebSocket) => socket.send("x".repeat(300_000)), 1_009],
  ])("is closed for %s", async (_, act, code) => {
    const socket = new WebSocket(url.replace("http", "ws"), "graphql-transport-ws");
    socket.on("error", () => undefined);
    await once(socket, "open");
    act(socket);
    const [closed] = await once(socket, "close");
    expect(closed).toBe(code);
  });

  test("is closed for another protocol", async () => {
    const socket = new WebSocket(url.replace("http", "ws"), "graphql-ws");
    const [error] = await once(socket, "error").catch((thrown: unknown) => [thrown]);
    expect(String(error)).toContain("no subprotocol");
  });

  test("has so many operations under way, and no more", async () => {
    const socket = await openSocket(url, home.key);
    for (let at = 0; at < 30; at++) subscribeTo(socket, `${at}`, NUMBERS);
    const [closed] = await once(socket, "close");
    expect(closed).toBe(4_429);
  });

  test("of a client that leaves while it is decided is not counted for ever", async () => {
    const followed = async () => (await system.parts.metrics.streams.get()).values[0]?.value ?? 0;
    const operation = operations.find(({ name }) => name === "feed.event.watch")! as Operation;
    await expect.poll(followed).toBe(0);
    const left = new AbortController();
    const incoming = { credential: home.key, input: {}, signal: left.signal };
    const opening = openStream(system.parts, operation, incoming);
    left.abort();
    await opening;
    expect(await followed()).toBe(0);
  });

  test("ends an operation that its client completes, while it waits", async () => {
    const followed = async () => (await system.parts.metrics.streams.get()).values[0]?.value ?? 0;
    const before = await followed();
    const socket = await openSocket(url, home.key);
    for (let round = 0; round < 30; round++) {
      const begun = heard(socket, `${round}`);
      subscribeTo(socket, `${round}`, NUMBERS);
      await begun;
      socket.send(JSON.stringify({ id: `${round}`, type: "complete" }));
      while ((await followed()) > before) await setImmediate();
      // Its message is under way a few turns longer than its stream.
      for (let turn = 0; turn < 20; turn++) await setImmediate();
    }
    const answered = heard(socket, "last");
    subscribeTo(socket, "last", "{ __typename }");
    await answered;
    socket.terminate();
  });
});

const init = (socket: WebSocket, key: string) =>
  socket.send(
    JSON.stringify({ type: "connection_init", payload: { authorization: `Bearer ${key}` } }),
  );
const subscribeTo = (socket: WebSocket, id: string, query: string) =>
  socket.send(JSON.stringify({ id, type: "subscribe", payload: { query } }));

/** Resolves at the first message of an operation. */
async function heard(socket: WebSocket, id: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const hear = (data: Buffer) => {
    if (JSON.parse(data.toString()).id === id) resolve();
  };
  const lose = (code: number, reason: Buffer) =>
    reject(new Error(`the socket was closed: ${code} ${reason.toString()}`));
  socket.on("message", hear).once("close", lose);
  await promise;
  socket.off("message", hear).off("close", lose);
}
