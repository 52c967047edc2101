import { request } from "node:http";
import { connect } from "node:http2";
import { PassThrough, type Readable } from "node:stream";
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { describedOf } from "#faces/grpc/descriptors.ts";
import type { GrpcPort } from "#faces/grpc/port.ts";
import { openHttp } from "#faces/http.ts";
import { type Operation, operation } from "#pipeline";
import { openGrpc } from "../grpc.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

/** How often the endless stream was asked for an item, and whether somebody ended it. */
const endless = { pulled: 0, ended: 0 };
const ITEM_BYTES = 10_000;

const own: readonly Operation[] = [
  operation({
    name: "control-plane.me.sleep",
    summary: "Sleeps in PostgreSQL.",
    rest: "GET /v1/me/sleep",
    kind: "read",
    input: z.strictObject({ mark: z.string() }),
    output: z.object({}),
    policy: { resource: { type: "Principal", id: ({ principal }) => principal.id } },
    score: "none",
    async action({ tx, input }) {
      await sql`select pg_sleep(30), ${sql.lit(input.mark)}`.execute(tx);
      return {};
    },
  }),
  operation({
    name: "control-plane.me.repeat",
    summary: "Says the same for ever.",
    rest: "GET /v1/me/repeat",
    kind: "stream",
    input: z.strictObject({ wait: z.boolean().default(false) }),
    output: z.object({ text: z.string() }),
    policy: { resource: { type: "Principal", id: ({ principal }) => principal.id } },
    score: "none",
    async *stream({ signal, input }) {
      try {
        while (!signal.aborted) {
          endless.pulled++;
          yield { text: "x".repeat(ITEM_BYTES) };
          if (input.wait)
            await new Promise<void>((resolve) =>
              signal.addEventListener("abort", () => resolve(), { once: true }),
            );
        }
      } finally {
        endless.ended++;
      }
    },
  }),
];

let system: TestSystem;
let port: GrpcPort;
let app: ReturnType<typeof openHttp>;
let http: string;

beforeAll(async () => {
  system = await openTestSystem();
  port = await openGrpc(system, { operations: own });
  app = openHttp(system.parts, own, async () => ({ state: "ok", dependencies: [], reasons: [] }));
  http = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await port.close();
  await app.close();
  await system.stop();
});

const service = () => describedOf(own).registry.getService("sealbase.v1.ControlPlaneService")!;
type Message = MessageShape<DescMessage> & { text: string };
interface Client {
  meSleep(input: object, options: object): Promise<Message>;
  meRepeat(input: object, options: object): AsyncIterable<Message>;
}
const CLIENTS: [string, () => Client][] = [
  [
    "gRPC",
    () =>
      createClient(
        service(),
        createGrpcTransport({ baseUrl: port.url.replace("grpc:", "http:") }),
      ) as never,
  ],
  [
    "Connect",
    () =>
      createClient(
        service(),
        createConnectTransport({ baseUrl: http, httpVersion: "1.1" }),
      ) as never,
  ],
];
const headers = () => ({ authorization: `Bearer ${system.home.key}` });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => expect.unreachable("was not refused"),
    (error) => ConnectError.from(error).code,
  );

describe.each(CLIENTS)("a statement of a call over %s", (name, open) => {
  const asleep = async (mark: string) =>
    (
      await system.sql("select from pg_stat_activity where state = 'active' and query like $1", [
        `select pg_sleep(30), '${mark}'%`,
      ])
    ).length;

  test("ends with the client's deadline", async () => {
    const mark = `deadline ${name}`;
    const call = codeOf(open().meSleep({ mark }, { headers: headers(), timeoutMs: 700 }));
    await vi.waitFor(async () => expect(await asleep(mark)).toBe(1), 5_000);
    expect(await call).toBe(Code.DeadlineExceeded);
    await vi.waitFor(async () => expect(await asleep(mark)).toBe(0), 5_000);
  });

  test("ends when the client leaves", async () => {
    const mark = `cancel ${name}`;
    const controller = new AbortController();
    const call = codeOf(
      open().meSleep({ mark }, { headers: headers(), signal: controller.signal }),
    );
    await vi.waitFor(async () => expect(await asleep(mark)).toBe(1), 5_000);
    controller.abort();
    expect(await call).toBe(Code.Canceled);
    await vi.waitFor(async () => expect(await asleep(mark)).toBe(0), 5_000);
  });
});

/** Opens the endless stream and reads nothing of it. */
const UNREAD: [string, (stop: AbortSignal) => Readable][] = [
  [
    "gRPC",
    (stop) => {
      const session = connect(port.url.replace("grpc:", "http:"));
      const stream = session.request({
        ":method": "POST",
        ":path": REPEAT,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers(),
      });
      stream.end(Buffer.alloc(5)).pause();
      stop.addEventListener("abort", () => session.destroy());
      return stream.on("error", () => undefined);
    },
  ],
  [
    "gRPC-Web on the HTTP port",
    (stop) => {
      const through = new PassThrough({ highWaterMark: 1 });
      const call = request(`${http}${REPEAT}`, {
        method: "POST",
        headers: { "content-type": "application/grpc-web+proto", ...headers() },
      });
      call.on("response", (response) => response.pipe(through)).on("error", () => undefined);
      call.end(Buffer.alloc(5));
      stop.addEventListener("abort", () => call.destroy());
      return through;
    },
  ],
];
const REPEAT = "/sealbase.v1.ControlPlaneService/MeRepeat";

describe.each(UNREAD)("a stream over %s that nobody reads", (_, open) => {
  test("is asked for no more than fits into buffers, goes on when it is read, ends when its reader leaves", async () => {
    Object.assign(endless, { pulled: 0, ended: 0 });
    const controller = new AbortController();
    const stream = open(controller.signal);
    let before = 0;
    await vi.waitFor(
      () => {
        const stands = before > 0 && before === endless.pulled;
        before = endless.pulled;
        expect(stands).toBe(true);
      },
      { timeout: 15_000, interval: 500 },
    );
    // Buffers of two sockets, and windows: a small part of what it makes in this time.
    expect(endless.pulled * ITEM_BYTES).toBeLessThan(16_000_000);
    stream.resume();
    await vi.waitFor(() => expect(endless.pulled).toBeGreaterThan(before + 500), 10_000);
    controller.abort();
    await vi.waitFor(() => expect(endless.ended).toBe(1), 5_000);
  });
});

describe.each(CLIENTS)("a stream over %s", (_, open) => {
  test("that waits for its next item ends when the reader leaves", async () => {
    Object.assign(endless, { pulled: 0, ended: 0 });
    const controller = new AbortController();
    const stream = open().meRepeat(
      { wait: true },
      { headers: headers(), signal: controller.signal },
    );
    const items = stream[Symbol.asyncIterator]();
    await items.next();
    expect(endless.ended).toBe(0);
    controller.abort();
    await expect(items.next()).rejects.toThrow();
    await vi.waitFor(() => expect(endless.ended).toBe(1), 5_000);
  });
});

test("a server that stops ends its streams with a code that says: again, elsewhere", async () => {
  const other = await openGrpc(system, { operations: own });
  const transport = createGrpcTransport({ baseUrl: other.url.replace("grpc:", "http:") });
  const client = createClient(service(), transport) as unknown as Client;
  const stream = client.meRepeat({ wait: true }, { headers: headers() });
  const items = stream[Symbol.asyncIterator]();
  await items.next();
  const next = items.next().catch((error: unknown) => ConnectError.from(error));
  await other.close();
  const error = (await next) as ConnectError;
  expect([error.code, error.metadata.get("sealbase-code")]).toEqual([
    Code.Unavailable,
    "request/stopping",
  ]);
});

test("messages are made from descriptors alone", () => {
  const schema = service().methods[0]!.input;
  expect(create(schema, { mark: "m" } as Record<string, unknown>)).toMatchObject({ mark: "m" });
});
