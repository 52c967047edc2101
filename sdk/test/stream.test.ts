import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { SealbaseClient, SealbaseRefusal, SealbaseUnanswered } from "../src/index.ts";
import { hangUp, problem, startServer } from "./server.ts";

const client = (url: string, more: object = {}) =>
  new SealbaseClient({ url, key: "sk_secret", ...more });

const item = (n: number, channel = "entries") => ({
  offset: `${n}.1`,
  channel,
  id: `${n}`,
  time: "2026-01-01T00:00:00.000Z",
  data: { text: "ä\n\n€" },
});
const frame = (n: number, channel?: string) =>
  `id: ${n}.1\ndata: ${JSON.stringify(item(n, channel))}\n\n`;
const END = "event: end\ndata: {}\n\n";

/** Sends these texts as one stream, byte by byte when told, then ends it or breaks it. */
const stream =
  (text: string, { breaks = false, slowly = false } = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
    for (const piece of slowly ? Buffer.from(text) : [Buffer.from(text)])
      response.write(typeof piece === "number" ? Buffer.of(piece) : piece);
    if (breaks) setImmediate(() => setImmediate(() => response.destroy()));
    else response.end();
  };

const idsOf = async (items: AsyncIterable<{ id: string | null }>): Promise<(string | null)[]> => {
  const ids = [];
  for await (const { id } of items) ids.push(id);
  return ids;
};

describe("a stream", () => {
  it("gives its items as they come, however they are cut, and ends where the server ends it", async () => {
    const { url, seen } = await startServer(
      stream(`: open\n\n${frame(1)}${frame(2)}${END}`, { slowly: true }),
    );
    const items = [];
    for await (const one of client(url).feed.event.watch({ channels: ["entries", "scores"] }))
      items.push(one);
    expect(items).toEqual([item(1), item(2)]);
    expect(seen[0]).toMatchObject({
      url: "/v1/realtime?channels=entries%2Cscores",
      headers: { accept: "text/event-stream", authorization: "Bearer sk_secret" },
    });
  });

  it("goes on after the last item when the connection breaks, and asks for no more than was left", async () => {
    const { url, seen } = await startServer(
      stream(frame(0, "head") + frame(1) + frame(2), { breaks: true }),
      hangUp,
      stream(frame(3) + END),
    );
    const watched = client(url).feed.event.watch({ after: "0.0", events_max: 3 });
    expect(await idsOf(watched)).toEqual(["0", "1", "2", "3"]);
    expect(seen.map((call) => call.url)).toEqual([
      "/v1/realtime?after=0.0&events_max=3",
      "/v1/realtime?after=2.1&events_max=1",
      "/v1/realtime?after=2.1&events_max=1",
    ]);
  });

  it("that is asked with a body sends it, and one that cannot go on does not begin again", async () => {
    const items = [{ progress: null, example: null, summary: null }];
    const { url, seen } = await startServer(
      hangUp,
      stream(`data: ${JSON.stringify(items[0])}\n\n`, { breaks: true }),
    );
    const given: unknown[] = [];
    const follow = async () => {
      const preview = client(url).authz.policyVersion.preview({ set: "default", number: 2 });
      for await (const one of preview) given.push(one);
    };
    await expect(follow()).rejects.toThrow(SealbaseUnanswered);
    expect(given).toEqual(items);
    expect(seen.map(({ url: path, body }) => [path, body])).toEqual(
      Array(2).fill(["/v1/policies/default/preview", '{"number":2}']),
    );
  });

  it("throws the refusal that comes first, or in the middle", async () => {
    const body = {
      title: "No",
      status: 401,
      code: "request/unauthenticated",
      facts: {},
      help: "h",
      request_id: "r",
    };
    const { url } = await startServer(
      problem(403, "policy/denied"),
      stream(`${frame(1)}event: refusal\ndata: ${JSON.stringify(body)}\n\n`),
    );
    await expect(idsOf(client(url).feed.event.watch())).rejects.toMatchObject({
      code: "policy/denied",
    });
    await expect(idsOf(client(url).feed.event.watch())).rejects.toThrow(SealbaseRefusal);
  });

  it("gives up after as many attempts as it was told", async () => {
    const { url, seen } = await startServer(hangUp);
    const watched = client(url, { retries: 2 }).feed.event.watch();
    await expect(idsOf(watched)).rejects.toThrow(SealbaseUnanswered);
    expect(seen).toHaveLength(3);
  });

  it("hangs up when its reader stops, or its signal aborts", async () => {
    const closed: Promise<void>[] = [];
    const open = (response: ServerResponse): void => {
      closed.push(new Promise((resolve) => response.once("close", resolve)));
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write(frame(1));
    };
    const { url } = await startServer(open);
    for await (const _ of client(url).feed.event.watch()) break;
    const controller = new AbortController();
    const watched = client(url).feed.event.watch({}, { signal: controller.signal });
    await watched.next();
    controller.abort(new Error("enough"));
    await expect(watched.next()).rejects.toThrow("enough");
    await Promise.all(closed);
  });
});
