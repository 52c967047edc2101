import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { serveLoad } from "../kit/load.ts";
import type { GrpcRequest } from "../kit/requests.ts";

/** Calls procedures over one HTTP/2 connection, as gRPC clients do: each caller has one stream at a time. */
const { url, callers, requests } = JSON.parse(process.argv[2]!) as {
  url: string;
  callers: number;
  requests: Record<string, GrpcRequest>;
};

const kinds = new Map(
  Object.entries(requests).map(([name, { path, headers, messages }]) => [
    name,
    {
      head: {
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc+proto",
        te: "trailers",
        ...headers,
      },
      messages: messages.map((text) => Buffer.from(text, "base64")),
    },
  ]),
);

const session = connect(url);
await once(session, "connect");
let sent = 0;
await serveLoad(callers, (_, name) => {
  const { head, messages } = kinds.get(name)!;
  return call(head, messages[sent++ % messages.length]!);
});

function call(head: Record<string, string>, message: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request(head);
    let bytes = 0;
    let status = "";
    const note = (headers: IncomingHttpHeaders) => {
      status = headers["grpc-status"]?.toString() ?? status;
    };
    stream.on("response", note).on("trailers", note).on("error", reject);
    stream.on("data", (data: Buffer) => (bytes += data.length));
    stream.on("close", () =>
      status === "0" && bytes > 5
        ? resolve()
        : reject(new Error(`gRPC status ${status}, ${bytes} bytes`)),
    );
    stream.end(message);
  });
}
