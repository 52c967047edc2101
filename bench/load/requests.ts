import { exchange, openSockets } from "../kit/keep-alive.ts";
import { serveLoad } from "../kit/load.ts";
import type { Request } from "../kit/requests.ts";

/** Sends prepared requests of HTTP/1.1, several kinds by name, over connections that each kind keeps for itself. */
const { port, callers, requests } = JSON.parse(process.argv[2]!) as {
  port: number;
  callers: number;
  requests: Record<string, Request>;
};

const kinds = new Map(
  await Promise.all(
    Object.entries(requests).map(
      async ([name, { line, headers, bodies, expected }]) =>
        [
          name,
          {
            expected,
            sockets: await openSockets(port, callers),
            texts: bodies.map((body) => textOf(line, headers, body)),
          },
        ] as const,
    ),
  ),
);

let sent = 0;
await serveLoad(callers, (caller, name) => {
  const { sockets, texts, expected } = kinds.get(name)!;
  return exchange(sockets[caller]!, texts[sent++ % texts.length]!, expected);
});

function textOf(line: string, headers: Readonly<Record<string, string>>, body: string): string {
  const all = { host: `127.0.0.1:${port}`, ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = body === "" ? "" : `content-length: ${body.length}\r\n`;
  return `${line} HTTP/1.1\r\n${head.join("")}${length}\r\n${body}`;
}
