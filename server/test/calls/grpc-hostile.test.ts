import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf } from "#faces/grpc/body.ts";
import { describedOf } from "#faces/grpc/descriptors.ts";
import { greet } from "#faces/grpc/greet.ts";
import { MESSAGE_BYTES_MAX, STREAMS_MAX } from "#faces/grpc/limits.ts";
import type { GrpcPort } from "#faces/grpc/port.ts";
import { watchSession } from "#faces/grpc/session.ts";
import { operations } from "../../src/main.ts";
import { openGrpc } from "../grpc.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
let port: GrpcPort;
let url: string;

beforeAll(async () => {
  system = await openTestSystem();
  port = await openGrpc(system);
  url = port.url.replace("grpc:", "http:");
  await good(); // what is loaded with the first call is loaded
});
afterAll(async () => {
  await port.close();
  await system.stop();
});

const ME = "/sealbase.v1.ControlPlaneService/MeGet";
const ASSESS = "/sealbase.v1.RiskService/TransactionAssess";
/** Type of the frame that a server begins with. */
const SETTINGS = 4;
const [INVALID, EXHAUSTED, UNIMPLEMENTED] = ["3", "8", "12"];

/** One message in gRPC's framing. */
function framed(message: Uint8Array, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly status: string | undefined;
  readonly code: string | undefined;
  readonly rst: number;
}

function send(
  session: ClientHttp2Session,
  path: string,
  body: Uint8Array | readonly Uint8Array[],
  more: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    authorization: `Bearer ${system.home.key}`,
    ...more,
  });
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on("response", (found) => (headers = found));
  stream.on("trailers", (found) => (trailers = found));
  stream.on("error", () => undefined);
  stream.resume();
  for (const part of Array.isArray(body) ? body : [body]) stream.write(part);
  stream.end();
  return new Promise((resolve) => {
    stream.on("close", () => {
      const all = { ...headers, ...trailers } as Record<string, string>;
      resolve({
        headers,
        status: all["grpc-status"],
        code: all["sealbase-code"],
        rst: stream.rstCode ?? -1,
      });
    });
  });
}

async function within<T>(work: (session: ClientHttp2Session) => Promise<T>): Promise<T> {
  const session = connect(url);
  session.on("error", () => undefined);
  try {
    return await work(session);
  } finally {
    session.destroy();
  }
}

/** What everybody else notices: a call on a connection of its own, and how long it took. */
async function good(): Promise<number> {
  const start_ms = performance.now();
  const { status } = await within((session) => send(session, ME, framed(Buffer.alloc(0))));
  expect(status).toBe("0");
  return performance.now() - start_ms;
}

const field = (number: number, bytes: Uint8Array): Buffer => {
  const length: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
};

/** A google.protobuf.Value that is a list of a list of a list … */
function deep(levels: number): Buffer {
  let value: Buffer = Buffer.from([0x08, 0x00]);
  for (let i = 0; i < levels; i++) value = field(6, field(1, value));
  return value;
}

const assess = () => {
  const [method] = describedOf(operations).registry.getService("sealbase.v1.RiskService")!.methods;
  return toBinary(method!.input, create(method!.input, { type: "PAYMENT" } as never));
};

type Call = [path: string, body: Uint8Array | readonly Uint8Array[], headers?: OutgoingHttpHeaders];

describe("a call that cannot be read", () => {
  const GZIP = { "grpc-encoding": "gzip" };
  const MANY = Buffer.alloc(1);
  test.each<[string, () => Call, string, string | undefined]>([
    ["no message", () => [ME, []], UNIMPLEMENTED, undefined],
    ["half a frame", () => [ME, framed(Buffer.alloc(2), 0, 9)], INVALID, "request/bad_message"],
    [
      "bytes that are no message",
      () => [ASSESS, framed(Buffer.from([0xff, 0xff, 0xff]))],
      INVALID,
      "request/bad_message",
    ],
    [
      "a string that is no UTF-8",
      () => [ASSESS, framed(field(2, Buffer.from([0xff])))],
      INVALID,
      "request/bad_message",
    ],
    [
      "two messages",
      () => [ME, Buffer.concat([framed(Buffer.alloc(0)), framed(Buffer.alloc(0))])],
      UNIMPLEMENTED,
      undefined,
    ],
    [
      "a field of nobody",
      () => [ME, framed(field(99, Buffer.from("x")))],
      INVALID,
      "request/invalid",
    ],
    [
      "a promise of 4 GiB",
      () => [ME, framed(Buffer.alloc(9), 0, 0xffff_ffff)],
      EXHAUSTED,
      "request/too_large",
    ],
    [
      "a message over the limit",
      () => [ME, framed(Buffer.alloc(MESSAGE_BYTES_MAX + 1))],
      EXHAUSTED,
      "request/too_large",
    ],
    [
      "far more than the limit",
      () => [ME, Array.from({ length: 12 }, () => Buffer.alloc(262_144))],
      EXHAUSTED,
      "request/too_large",
    ],
    [
      "a bomb",
      () => [ME, framed(gzipSync(Buffer.alloc(512_000_000)), 1), GZIP],
      EXHAUSTED,
      "request/too_large",
    ],
    [
      "gzip that is none",
      () => [ME, framed(Buffer.from("none"), 1), GZIP],
      INVALID,
      "request/bad_message",
    ],
    [
      "an unknown compression",
      () => [ME, framed(MANY, 1), { "grpc-encoding": "zip" }],
      UNIMPLEMENTED,
      undefined,
    ],
    [
      "JSON as deep as a well",
      () => [
        "/sealbase.v1.AuthzService/DecisionAsk",
        framed(
          field(4, field(1, Buffer.concat([field(1, Buffer.from("k")), field(2, deep(2_000))]))),
        ),
      ],
      INVALID,
      "request/bad_message",
    ],
    [
      "an unknown method",
      () => ["/sealbase.v1.ControlPlaneService/No", framed(MANY)],
      UNIMPLEMENTED,
      "request/unknown_method",
    ],
    [
      "an unknown service",
      () => ["/no.Body/No", framed(MANY)],
      UNIMPLEMENTED,
      "request/unknown_method",
    ],
    [
      "a deadline that no timer holds",
      () => [ME, framed(Buffer.alloc(0)), { "grpc-timeout": "99999999H" }],
      INVALID,
      "request/bad_message",
    ],
    [
      "a deadline that is no number",
      () => [ME, framed(Buffer.alloc(0)), { "grpc-timeout": "soon" }],
      INVALID,
      "request/bad_message",
    ],
  ])("%s", async (_, call, status, code) => {
    const answer = await within((session) => send(session, ...call()));
    expect([answer.status, answer.code]).toEqual([status, code]);
    await good();
  });

  test.each<[string, OutgoingHttpHeaders, number]>([
    ["another content type", { "content-type": "text/plain" }, 415],
    ["another method", { ":method": "GET" }, 405],
  ])("%s", async (_, headers, status) => {
    const answer = await within((session) => send(session, ME, [], headers));
    expect(answer.headers[":status"]).toBe(status);
  });

  test("a forged amount is refused by the operation, like on every face", async () => {
    const answer = await within((session) => send(session, ASSESS, framed(assess())));
    expect([answer.status, answer.code]).toEqual([INVALID, "request/invalid"]);
  });

  test.each([[""], ["["], ["a b"]])(
    "an authority that is none (%j) ends nothing",
    async (authority) => {
      await within((session) =>
        send(session, ME, framed(Buffer.alloc(0)), { ":authority": authority, host: authority }),
      );
      await good();
    },
  );
});

describe("what is no HTTP/2", () => {
  const open = (): Socket => connectTcp(Number(new URL(url).port), "127.0.0.1");
  const everything = async (socket: Socket): Promise<string> => {
    let text = "";
    socket.on("data", (chunk) => (text += chunk)).on("error", () => undefined);
    await once(socket, "close");
    return text;
  };

  test("HTTP/1 is told where it belongs", async () => {
    const answer = await fetch(`${url}${ME}`, { method: "POST", body: "{}" });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      505,
      "request/not_http2",
    ]);
  });

  test.each([["\0\0\0"], ["PRI * HTTP/1.1\r\n\r\n"], ["\x16\x03\x01\x02\x00"]])(
    "%j is hung up on",
    async (bytes) => {
      const socket = open();
      socket.write(bytes, "latin1");
      expect(await everything(socket)).toContain("505");
    },
  );

  test("a preface with rubbish after it ends its own connection only", async () => {
    const socket = open();
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nrubbish rubbish rubbish rubbish");
    await everything(socket);
    await good();
  });

  test("a preface that comes in pieces is one", async () => {
    const socket = open();
    socket.setNoDelay(true);
    let text = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => (text = Buffer.concat([text, chunk])));
    const preface = Buffer.concat([
      Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    ]);
    for (const byte of preface) {
      socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await expect.poll(() => text[3], { timeout: 5_000 }).toBe(SETTINGS);
    socket.destroy();
  });
});

describe("a connection that only holds on", () => {
  test("silent from the start, is ended", async () => {
    const server = createServer((socket) => greet(socket, () => undefined, 50)).listen(0);
    const socket = connectTcp((server.address() as { port: number }).port);
    await once(socket, "close");
    server.close();
  });

  test("that answers no ping is ended; one that makes no call is told to go", async () => {
    const { createServer } = await import("node:http2");
    const server = createServer();
    server.on("session", (session) => watchSession(session, { ping_ms: 50, idle_ms: 150 }));
    server.listen(0);
    await once(server, "listening");
    const at = (server.address() as { port: number }).port;
    const dead = connectTcp(at);
    dead.write(
      Buffer.concat([
        Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
      ]),
    );
    dead.resume().on("error", () => undefined);
    await once(dead, "close");
    const idle = connect(`http://127.0.0.1:${at}`);
    await once(idle, "goaway");
    idle.destroy();
    server.close();
  });

  test("a body that never ends is given up", async () => {
    const { PassThrough } = await import("node:stream");
    const body = new PassThrough();
    body.write("half");
    await expect(bodyOf(body as never, 20)).rejects.toMatchObject({ code: "request/too_slow" });
  });

  test("a body of many small pieces is held in one", async () => {
    const { PassThrough } = await import("node:stream");
    const body = new PassThrough();
    const whole = bodyOf(body as never);
    for (let i = 0; i < 100_000; i++) body.write(Buffer.from([i % 256]));
    body.end();
    const bytes = await whole;
    expect([bytes.length, bytes[256], bytes[99_999]]).toEqual([100_000, 0, 99_999 % 256]);
  });
});

describe("a client that asks for too much at once", () => {
  test("has so many streams, the others are refused, and nobody else notices", async () => {
    const answers = await within(async (session) => {
      await once(session, "remoteSettings");
      expect(session.remoteSettings.maxConcurrentStreams).toBe(STREAMS_MAX);
      const all = Array.from({ length: 1_000 }, () => send(session, ME, framed(Buffer.alloc(0))));
      const beside_ms = await good();
      expect(beside_ms).toBeLessThan(10_000);
      return Promise.all(all);
    });
    const done = answers.filter(({ status }) => status === "0").length;
    expect(done).toBeGreaterThan(STREAMS_MAX / 2);
    await good();
  });

  test("cancels thousands as soon as it has opened them: its connection ends, the others' do not", async () => {
    const rss = process.memoryUsage().rss;
    const goaway = await within(async (session) => {
      const ended = new Promise((resolve) => session.once("close", resolve));
      for (let i = 0; i < 20_000 && !session.destroyed && !session.closed; i++) {
        const stream = session.request({
          ":method": "POST",
          ":path": ME,
          "content-type": "application/grpc",
        });
        stream.on("error", () => undefined);
        stream.close(constants.NGHTTP2_CANCEL);
        if (i % 50 === 0) await new Promise(setImmediate);
      }
      await ended;
      return true;
    });
    expect(goaway).toBe(true);
    await good();
    expect(process.memoryUsage().rss - rss).toBeLessThan(300_000_000);
  });
});
