import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { serveLoad } from "../kit/load.ts";
import { paymentOf } from "../kit/payment.ts";

/** Posts payments over keep-alive connections, one under way on each. Bare sockets: a full client costs more than the server. */
const { port, key, callers } = JSON.parse(process.argv[2]!) as {
  port: number;
  key: string;
  callers: number;
};
const HEAD =
  `POST /v1/risk/transactions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n` +
  "Content-Type: application/json\r\nPrefer: wait=durable\r\n";
const CREATED = "HTTP/1.1 201 ";

const sockets = await Promise.all(
  Array.from({ length: callers }, async () => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.setEncoding("latin1");
    await once(socket, "connect");
    return socket;
  }),
);
let sent = 0;
await serveLoad(callers, (caller) => post(sockets[caller]!, JSON.stringify(paymentOf(sent++))));

function post(socket: Socket, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = (error?: Error) => {
      socket.off("data", read).off("close", lost);
      if (error === undefined) resolve();
      else reject(error);
    };
    const lost = () => finish(new Error("the server closed the connection"));
    const read = (data: string) => {
      text += data;
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))![1]);
      if (text.length < end + 4 + length) return;
      finish(text.startsWith(CREATED) ? undefined : new Error(`not a 201: ${text}`));
    };
    socket.on("data", read).on("close", lost);
    socket.write(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
  });
}
