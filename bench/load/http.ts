import { exchange, openSockets } from "../kit/keep-alive.ts";
import { serveLoad } from "../kit/load.ts";
import { paymentOf } from "../kit/payment.ts";

/** Posts payments over keep-alive connections, one under way on each. */
const { port, key, callers } = JSON.parse(process.argv[2]!) as {
  port: number;
  key: string;
  callers: number;
};
const HEAD =
  `POST /v1/risk/transactions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n` +
  "Content-Type: application/json\r\nPrefer: wait=durable\r\n";
const CREATED = { start: "HTTP/1.1 201 " };

const sockets = await openSockets(port, callers);
let sent = 0;
await serveLoad(callers, (caller) => {
  const body = JSON.stringify(paymentOf(sent++));
  return exchange(
    sockets[caller]!,
    `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`,
    CREATED,
  );
});
