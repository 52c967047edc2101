import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How a subscriber speaks: enough of WebSockets (RFC 6455) and of server-sent events for what we hear. */
export interface Speech {
  hello(port: number, key: string, channel: string): string;
  /** What is sent once the answer to the hello has come. */
  subscribe(channel: string): Buffer | undefined;
  /** What stands in the stream when it is open. */
  readonly opened: string;
  readonly stayAlive: Buffer | undefined;
}

const WEBSOCKET: Speech = {
  hello: (port, key) =>
    `GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\nConnection: Upgrade\r\n` +
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  subscribe: (channel) =>
    frame(
      0x81,
      Buffer.from(JSON.stringify({ type: "subscribe", id: "1", input: { channels: [channel] } })),
    ),
  opened: '"type":"subscribed"',
  // A pong that nobody asked for counts as one.
  stayAlive: frame(0x8a, Buffer.alloc(0)),
};

const EVENTS: Speech = {
  hello: (port, key, channel) =>
    `GET /v1/realtime?channels=${channel} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\nAccept: text/event-stream\r\n\r\n`,
  subscribe: () => undefined,
  opened: ": open",
  stayAlive: undefined,
};

export const SPEECHES = { WebSocket: WEBSOCKET, SSE: EVENTS } as const;

/** A client masks its frames; with zeros they stay what they are. */
function frame(first: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

const STAY_MS = 15_000;
const ID_LENGTH = 36;

/** Opens a subscription and tells the id of each event of the channel, as it comes. */
export async function subscribe(
  speech: Speech,
  port: number,
  key: string,
  channel: string,
  hear: (id: string) => void,
): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const mark = Buffer.from(`"channel":"${channel}","id":"`);
  const whole = mark.length + ID_LENGTH;
  let rest: Buffer = Buffer.alloc(0);
  const scan = (data: Buffer) => {
    const bytes = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let from = 0;
    for (;;) {
      const at = bytes.indexOf(mark, from);
      if (at < 0 || at + whole > bytes.length) {
        // A mark may be cut by the end of what came.
        rest = bytes.subarray(at < 0 ? Math.max(from, bytes.length - mark.length) : at);
        return;
      }
      from = at + whole;
      hear(bytes.toString("latin1", at + mark.length, from));
    }
  };
  socket.write(speech.hello(port, key, channel));
  const wanted = speech.subscribe(channel);
  if (wanted !== undefined) {
    await until(socket, "\r\n\r\n");
    socket.write(wanted);
  }
  await until(socket, speech.opened);
  socket.on("data", scan);
  if (speech.stayAlive !== undefined)
    setInterval(() => socket.write(speech.stayAlive!), STAY_MS).unref();
  return socket;
}

async function until(socket: Socket, text: string): Promise<void> {
  let heard = "";
  while (!heard.includes(text)) {
    const [data] = (await once(socket, "data")) as [Buffer];
    heard += data.toString("latin1");
  }
}
