import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStream } from "#pipeline";
import { operations } from "../../src/main.ts";
import { openTestSystem, payment, type TestSystem } from "../system.ts";

let system: TestSystem;
let port: number;

beforeAll(async () => {
  system = await openTestSystem();
  port = Number(new URL(await system.app.listen({ port: 0, host: "127.0.0.1" })).port);
});
afterAll(() => system.stop());

const open = async (): Promise<Socket> => {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
};

/** The slower half of some ordinary calls, in milliseconds. */
async function latency_ms(): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < 21; i++) {
    const start = performance.now();
    expect((await system.home.call("GET", "/v1/me")).status).toBe(200);
    took.push(performance.now() - start);
  }
  return took.toSorted((a, b) => a - b)[10]!;
}

describe("slow and silent clients", () => {
  test("lose their sockets when the head of a request does not come, and nobody else notices", async () => {
    const quiet_ms = await latency_ms();
    const sockets = await Promise.all(Array.from({ length: 500 }, open));
    const answers = sockets.map(async (socket) => {
      let text = "";
      socket.on("data", (data) => (text += data.toString()));
      await once(socket, "close");
      return text;
    });
    // One byte of a header now and then, for ever.
    for (const socket of sockets) socket.write("GET /v1/me HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    const drip = setInterval(
      () => sockets.map((socket) => socket.writable && socket.write("a")),
      500,
    );
    expect(await latency_ms()).toBeLessThan(quiet_ms * 10 + 50);
    const ended = await Promise.all(answers);
    clearInterval(drip);
    expect(new Set(ended.map((text) => text.slice(0, 12)))).toEqual(new Set(["HTTP/1.1 408"]));
  });

  test("who leave in the middle of a body cost nothing", async () => {
    for (let i = 0; i < 100; i++) {
      const socket = await open();
      socket.write(
        `POST /v1/risk/transactions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${system.home.key}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"type":`,
      );
      socket.destroy();
    }
    expect((await system.home.call("POST", "/v1/risk/transactions", payment())).status).toBe(201);
  });

  test.each<[string, string]>([
    ["garbage", "\u0000\u0001\u0002 nonsense\r\n\r\n"],
    [
      "two lengths",
      "POST /v1/decisions HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    ],
    [
      "a length and chunks",
      "POST /v1/decisions HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    [
      "a head of 100 kB",
      `GET /v1/me HTTP/1.1\r\nHost: a\r\nX-Large: ${"a".repeat(100_000)}\r\n\r\n`,
    ],
  ])("%s is refused and the socket closed", async (_, text) => {
    const socket = await open();
    let answer = "";
    socket.on("data", (data) => (answer += data.toString()));
    socket.write(text);
    await new Promise((resolve) => socket.once("close", resolve));
    // Who still writes when the answer comes may get a reset in its place.
    expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d .*)?$/s);
    expect((await system.home.call("GET", "/v1/me")).status).toBe(200);
  });

  test("a body that says it is compressed is not unpacked", async () => {
    const { status, body } = await system.home.call(
      "POST",
      "/v1/risk/transactions",
      "\u001f\u008b",
      {
        "content-encoding": "gzip",
        "content-type": "application/json",
      },
    );
    expect([status, body.code]).toEqual([400, "request/unparsable"]);
  });
});

describe("many streams", () => {
  test("a project has four thousand; the next is refused, and calls go on as before", async () => {
    const caller = await system.project();
    const watch = operations.find(({ name }) => name === "feed.event.watch")!;
    const controller = new AbortController();
    const follow = async () => {
      const { items } = await openStream(system.parts, watch, {
        credential: caller.key,
        input: { channels: ["scores"] },
        signal: controller.signal,
      });
      const all = items[Symbol.asyncIterator]();
      return { first: await all.next(), all };
    };
    const streams = [];
    for (let batch = 0; batch < 8; batch++)
      streams.push(...(await Promise.all(Array.from({ length: 500 }, follow))));
    await expect(follow()).rejects.toMatchObject({ code: "request/too_many_streams", status: 429 });
    const { body } = await caller.call("POST", "/v1/risk/transactions", payment());
    const heard = await Promise.all(streams.map(({ all }) => all.next()));
    expect(new Set(heard.map(({ value }) => (value as { id: string }).id))).toEqual(
      new Set([body.id]),
    );
    controller.abort();
    await Promise.all(streams.map(({ all }) => all.return!(undefined)));
    const other = await openStream(system.parts, watch, {
      credential: caller.key,
      input: {},
      signal: new AbortController().signal,
    });
    expect(other.id).toMatch(/^[0-9a-f-]{36}$/);
  });
});
