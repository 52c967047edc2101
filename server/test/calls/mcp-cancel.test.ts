import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { openHttp } from "#faces/http.ts";
import { STREAM_CHARACTERS_MAX } from "#faces/mcp/limits.ts";
import { operation } from "#pipeline";
import { operations } from "../../src/main.ts";
import { openTestSystem, type TestSystem } from "../system.ts";
import { type Anything, connect, ERAS } from "./mcp.ts";

const endless = { ended: 0 };
const ITEM_CHARACTERS = 10_000;

const sleepOperation = operation({
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
});

/** A stream without bounds of its own, and without a place to go on from. */
const repeatOperation = operation({
  name: "control-plane.me.repeat",
  summary: "Says the same for ever.",
  rest: "GET /v1/me/repeat",
  kind: "stream",
  input: z.strictObject({ characters: z.int().default(1), wait: z.boolean().default(false) }),
  output: z.object({ text: z.string() }),
  policy: { resource: { type: "Principal", id: ({ principal }) => principal.id } },
  score: "none",
  async *stream({ signal, input }) {
    try {
      while (!signal.aborted) {
        yield { text: "x".repeat(input.characters) };
        if (input.wait)
          await new Promise<void>((resolve) =>
            signal.addEventListener("abort", () => resolve(), { once: true }),
          );
      }
    } finally {
      endless.ended++;
    }
  },
});

type Counted = { readonly fraction: number | null; readonly text: string; readonly last: boolean };

/** A stream that ends by itself, and says how far it is. */
const countOperation = operation({
  name: "control-plane.me.count",
  summary: "Counts to an end.",
  rest: "GET /v1/me/count",
  kind: "stream",
  input: z.strictObject({ to: z.int(), characters: z.int().default(1) }),
  output: z.object({ fraction: z.number().nullable(), text: z.string(), last: z.boolean() }),
  ends: {
    seconds_max: 40,
    fraction: ({ fraction }: Counted) => fraction,
    isLast: ({ last }: Counted) => last,
  },
  policy: { resource: { type: "Principal", id: ({ principal }) => principal.id } },
  score: "none",
  async *stream({ signal, input: { to, characters } }) {
    const part = { fraction: null, text: "x".repeat(characters), last: false };
    for (let i = 1; i <= to && !signal.aborted; i++) {
      yield part;
      // Once forward, and once as far as before.
      for (let told = 0; told < 2; told++) yield { ...part, fraction: i / to };
      if (to < 5_000) continue;
      await new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true }),
      );
    }
    if (!signal.aborted) yield { ...part, last: true };
  },
});

let system: TestSystem;
let app: ReturnType<typeof openHttp>;
let url: string;
beforeAll(async () => {
  system = await openTestSystem();
  const all = [...operations, sleepOperation, repeatOperation, countOperation];
  app = openHttp(system.parts, all, async () => ({ state: "ok", dependencies: [], reasons: [] }));
  url = `${await app.listen({ host: "127.0.0.1", port: 0 })}/mcp`;
});
afterAll(async () => {
  // Who left may have connected again without a word, which the server would wait for.
  app.server.closeAllConnections();
  await app.close();
  await system.stop();
});

const sleeping = async (mark: string) => {
  const rows = await system.sql(
    "select 1 from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()",
    [`select pg_sleep(30), '${mark}'%`],
  );
  return rows.length;
};

describe.each(ERAS)("in %s", (era) => {
  test("a call that its sender does not want any more is stopped in PostgreSQL", async () => {
    const client = await connect(url, system.home.key, era);
    const other = await connect(url, system.home.key, era);
    const leaving = new AbortController();
    const [mark, kept] = [`${era}-left`, `${era}-kept`];
    const ending = new AbortController();
    const call = (from: typeof client, name: string, signal: AbortSignal) =>
      from.callTool({ name: "control_plane_me_sleep", arguments: { mark: name } }, { signal });
    const left = expect(call(client, mark, leaving.signal)).rejects.toThrow();
    // The other connection's request has the same id, and the same key.
    const stays = expect(call(other, kept, ending.signal)).rejects.toThrow();
    await expect.poll(() => sleeping(mark)).toBe(1);
    await expect.poll(() => sleeping(kept)).toBe(1);
    leaving.abort();
    await left;
    await expect.poll(() => sleeping(mark), { timeout: 5_000 }).toBe(0);
    expect(await sleeping(kept)).toBe(1);
    ending.abort();
    await stays;
    await expect.poll(() => sleeping(kept), { timeout: 5_000 }).toBe(0);
  });

  test("a stream ends for its reader who left", async () => {
    const client = await connect(url, system.home.key, era);
    const before = endless.ended;
    const leaving = new AbortController();
    const watching = client.callTool(
      { name: "control_plane_me_repeat", arguments: { wait: true, seconds_max: 30 } },
      { signal: leaving.signal, onprogress: () => leaving.abort() },
    );
    await expect(watching).rejects.toThrow();
    await expect.poll(() => endless.ended).toBe(before + 1);
  });

  test.each([
    ["100 items unless told", {}, 100],
    ["as many as asked for", { events_max: 1_000 }, 1_000],
    ["as much text as an answer may have", { events_max: 1_000, characters: ITEM_CHARACTERS }, 105],
    ["its time", { wait: true, seconds_max: 1 }, 1],
  ])("a stream that never ends gives %s", async (_, input, count) => {
    const client = await connect(url, system.home.key, era);
    const before = endless.ended;
    const name = "control_plane_me_repeat";
    const { structuredContent } = (await client.callTool({ name, arguments: input })) as Anything;
    expect([structuredContent.items.length, structuredContent.next]).toEqual([count, null]);
    expect(JSON.stringify(structuredContent).length).toBeLessThan(STREAM_CHARACTERS_MAX * 1.1);
    expect(endless.ended).toBe(before + 1);
  });
});

describe("a stream that ends by itself", () => {
  const silent: (progress: Anything) => void = () => {};
  const count = async (input: Record<string, unknown>, onprogress = silent) => {
    const client = await connect(url, system.home.key);
    const call = { name: "control_plane_me_count", arguments: input };
    return (await client.callTool(call, { onprogress })) as Anything;
  };

  test("is given whole, and how far it is as progress", async () => {
    const told: Anything[] = [];
    const { structuredContent } = await count({ to: 4 }, (progress) => told.push(progress));
    expect(structuredContent).toMatchObject({ next: null, ended: true, left_out: 0 });
    const { items } = structuredContent;
    expect(items.map(({ last }: Anything) => last)).toEqual([false, false, false, false, true]);
    expect(told).toEqual([0.25, 0.5, 0.75, 1].map((progress) => ({ progress, total: 1 })));
  });

  test("has its last item, however much came before", async () => {
    const input = { to: 200, characters: ITEM_CHARACTERS };
    const { structuredContent } = await count(input);
    const { items, ended, left_out } = structuredContent;
    expect([ended, items.length + left_out, items.at(-1).last]).toEqual([true, 201, true]);
    expect(left_out).toBeGreaterThan(90);
    expect(JSON.stringify(structuredContent).length).toBeLessThan(STREAM_CHARACTERS_MAX * 1.1);
    const many = await count({ to: 4_000 });
    expect(many.structuredContent).toMatchObject({ ended: true, left_out: 2_000 });
  });

  test("says that it was cut off", async () => {
    const { structuredContent } = await count({ to: 5_000, seconds_max: 1 });
    const { items, ended, left_out } = structuredContent;
    expect([items.length, ended, left_out]).toEqual([1, false, 0]);
  });

  test.each([
    ["more time than it has", { to: 1, seconds_max: 41 }, "request/out_of_bounds"],
    ["a number of events", { to: 1, events_max: 5 }, "request/invalid"],
  ])("is not given for %s", async (_, input, code) => {
    expect((await count(input)).structuredContent.code).toBe(code);
  });
});

test("a call whose connection breaks is stopped in PostgreSQL", async () => {
  const leaving = new AbortController();
  const params = { name: "control_plane_me_sleep", arguments: { mark: "broken" } };
  const headers = {
    authorization: `Bearer ${system.home.key}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  await fetch(url, { method: "POST", headers, body, signal: leaving.signal });
  await expect.poll(() => sleeping("broken")).toBe(1);
  leaving.abort();
  await expect.poll(() => sleeping("broken"), { timeout: 5_000 }).toBe(0);
});
