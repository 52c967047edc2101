import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Db, openDb, query, TIMEOUTS_MS } from "#kernel/db.ts";
import type { Embedded } from "#kernel/embedded.ts";
import { migrateUp } from "#kernel/migrate.ts";
import { type Scratch, scratch } from "./engine/scratch.ts";

const NIGHTLY = process.env["SEALBASE_NIGHTLY"] === "1";
const READER = { role: "reader", tenantId: null } as const;
const WRITER = { role: "writer", tenantId: null } as const;

let place: Scratch;
let engine: Embedded;
let db: Db;
beforeAll(async () => {
  place = scratch();
  engine = await place.start();
  await migrateUp(engine.admin);
  db = await openDb(engine.admin, 2);
});
afterAll(async () => {
  await db.close();
  await place.close();
});

const one = async (text: string, scope: typeof READER | typeof WRITER = READER) =>
  (await db.transaction(scope, (tx) => query<{ v: unknown }>(tx, text)))[0]?.v;

describe("a transaction", () => {
  test.each(["statement", "lock", "idle_in_transaction_session"] as const)(
    "limits its %s time, and forgets that afterwards",
    async (name) => {
      expect(
        await one(`select setting::int as v from pg_settings where name = '${name}_timeout'`),
      ).toBe(TIMEOUTS_MS[name]);
      const { rows } = await db.pool.query(
        `select setting::int as v from pg_settings where name = '${name}_timeout'`,
      );
      expect(rows[0].v).toBe(0);
    },
  );

  test("has its role and project, and leaves neither behind", async () => {
    const tenantId = "00000000-0000-7000-8000-00000000000a";
    const [row] = await db.transaction({ role: "writer", tenantId }, (tx) =>
      query(tx, "select current_user as r, ops.tenant() as t"),
    );
    expect(row).toEqual({ r: "sealbase_writer", t: tenantId });
    const { rows } = await db.pool.query(
      "select current_user as r, nullif(current_setting('app.tenant_id', true), '') as t",
    );
    expect(rows).toEqual([{ r: engine.admin.user, t: null }]);
  });

  test("that only reads cannot write, and sees one state from beginning to end", async () => {
    await expect(one("select pg_notify('a', 'b')::text as v; ")).resolves.toBeDefined();
    expect(await one("select current_setting('transaction_read_only') as v")).toBe("on");
    expect(await one("select current_setting('transaction_isolation') as v")).toBe(
      "repeatable read",
    );
    expect(await one("select current_setting('transaction_isolation') as v", WRITER)).toBe(
      "read committed",
    );
  });

  test("that throws leaves nothing, and its connection is used again", async () => {
    const work = db.transaction(WRITER, async (tx) => {
      await query(tx, "select set_config('app.seen', 'yes', true)");
      throw new Error("no");
    });
    await expect(work).rejects.toThrow("no");
    for (let i = 0; i < 3; i++)
      expect(await one("select nullif(current_setting('app.seen', true), '') as v")).toBeNull();
  });

  test("that asks wrongly fails by itself only", async () => {
    await expect(one("select nothing as v")).rejects.toThrow(/nothing/);
    expect(await one("select 1 as v")).toBe(1);
  });

  test("gives numbers that are right, or an error", async () => {
    expect(await one("select 9007199254740991::int8 as v")).toBe(Number.MAX_SAFE_INTEGER);
    await expect(one("select 9007199254740993::int8 as v")).rejects.toThrow(/2\^53/);
    expect(await one("select 1e22::numeric as v")).toBe("10000000000000000000000");
    expect(await one("select date '2026-01-02' as v")).toBe("2026-01-02");
  });

  test.runIf(NIGHTLY)(
    "is cut off when a statement takes too long",
    async () => {
      await expect(one("select pg_sleep(30)::text as v")).rejects.toMatchObject({
        code: "engine/timeout",
      });
    },
    30_000,
  );
});

describe("a server that goes away", () => {
  test("and comes back is waited for", async () => {
    expect(await one("select 1 as v")).toBe(1);
    const before = engine.pid;
    process.kill(before, "SIGKILL");
    await expect.poll(() => db.pool.totalCount, { timeout: 5_000 }).toBe(0);
    expect(await Promise.all(Array.from({ length: 5 }, () => one("select 1 as v")))).toEqual([
      1, 1, 1, 1, 1,
    ]);
    expect(engine.pid).not.toBe(before);
  }, 30_000);

  test("is heard again, and whoever listens learns that anything may have changed", async () => {
    const heard: string[] = [];
    const listener = await db.listen(["news"], (_, payload) => heard.push(payload));
    onTestFinished(() => listener.close());
    expect(heard).toEqual([""]);
    process.kill(engine.pid, "SIGKILL");
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(["", ""]);
    await db.pool.query("select pg_notify('news', 'x')");
    await expect.poll(() => heard).toEqual(["", "", "x"]);
  }, 30_000);

  test("for long is a refusal", async () => {
    const other = scratch();
    onTestFinished(() => other.close());
    const gone = await other.start();
    const lost = await openDb(gone.admin, 1);
    onTestFinished(() => lost.close());
    await gone.stop();
    await sleep(50);
    const since = performance.now();
    await expect(
      lost.transaction({ role: "reader", tenantId: null }, async () => 1),
    ).rejects.toMatchObject({
      code: "engine/unavailable",
      status: 503,
    });
    expect(performance.now() - since).toBeGreaterThan(2_000);
  }, 30_000);
});

describe("the version of a server", () => {
  test.each([
    ["160009", "engine/postgres_too_old", { found: 16, needed: 17 }],
    ["90624", "engine/postgres_too_old", { found: 9, needed: 17 }],
  ])("%s is refused", async (version, code, facts) => {
    await expect(openDb(await pretend(version))).rejects.toMatchObject({ code, facts });
  });

  test.each(["170000", "180001"])("%s is taken", async (version) => {
    const found = await openDb(await pretend(version));
    await found.close();
  });
});

/** A server that signs anyone in and answers every query with the version number given: enough of the protocol (v3). */
async function pretend(version: string) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    let greeted = false;
    socket.on("data", (data) => {
      if (!greeted) {
        greeted = true;
        socket.write(Buffer.concat([message("R", int32(0)), READY]));
      } else if (data[0] === "Q".charCodeAt(0)) {
        const column = Buffer.concat([
          text("version"),
          int32(0),
          int16(0),
          int32(25),
          int16(-1),
          int32(-1),
          int16(0),
        ]);
        const row = Buffer.concat([int16(1), int32(version.length), Buffer.from(version)]);
        socket.write(
          Buffer.concat([
            message("T", Buffer.concat([int16(1), column])),
            message("D", row),
            message("C", text("SELECT 1")),
            READY,
          ]),
        );
      }
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    user: "u",
    database: "d",
    ssl: false,
  };
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const message = (type: string, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
const READY = message("Z", Buffer.from("I"));
