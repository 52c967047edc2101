import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  decodeEntryBundle,
  leafHash,
  nodeHash,
  parseCheckpoint,
  parseNote,
  tilePath,
  toHex,
  verifyCheckpoint,
} from "#verifier";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

/** The files of a log over HTTP (c2sp.org/tlog-tiles): what is in them, who gets them, and how they may be kept. */
const LONG = 600;

let system: TestSystem;
let caller: Caller;
let stranger: Caller;
let entries: Buffer[];
let size: number;
beforeAll(async () => {
  system = await openTestSystem();
  stranger = system.as("");
  caller = await system.project();
  const body = Array.from({ length: LONG }, (_, i) => payment({ amount_cents: 1_000 + i }));
  await caller.call("POST", "/v1/risk/transactions", body);
  await caller.call("POST", "/v1/ledger/open", { readers: "entries" });
  entries = await stored(caller);
  ({ size } = parseCheckpoint(parseNote((await get(caller, "checkpoint")).text).text));
});
afterAll(() => system.stop());

const stored = async ({ projectId }: Caller) => {
  await sealedEntries(system, projectId);
  const rows = await system.sql<{ entry: Buffer }>(
    "select entry from ledger.entries where tenant_id = $1 order by index",
    [projectId],
  );
  return rows.map(({ entry }) => entry);
};

const url = (path: string, { projectId } = caller) => `/log/${projectId}/${path}`;
const get = (who: Caller, path: string, headers: Record<string, string> = {}, of = caller) =>
  who.call("GET", url(path, of), undefined, headers);

/** The bytes, which `call` takes for text. */
async function bytes(path: string, key = ""): Promise<Buffer> {
  const authorization = key === "" ? {} : { authorization: `Bearer ${key}` };
  const answer = await system.app.inject({ method: "GET", url: url(path), headers: authorization });
  expect(answer.statusCode, path).toBe(200);
  return answer.rawPayload;
}

/** Merkle tree hash by its definition (RFC 6962 section 2.1), over the leaves of a range. */
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]!;
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return nodeHash(mth(leaves.slice(0, half)), mth(leaves.slice(half)));
}

describe("the files of a log", () => {
  test("are served under the log's own name, the checkpoint as text that nobody keeps", async () => {
    const { body } = await caller.call("GET", "/v1/ledger/checkpoint");
    for (const who of [caller, stranger]) {
      const answer = await get(who, "checkpoint");
      expect([answer.status, answer.headers["content-type"]]).toEqual([
        200,
        "text/plain; charset=utf-8",
      ]);
      expect(answer.headers["cache-control"]).toBe("no-cache");
      expect(answer.text).toBe(body.checkpoint);
      expect(verifyCheckpoint(answer.text, body.keys)).toMatchObject({
        ok: true,
        origin: `sealbase.test/log/${caller.projectId}`,
      });
      const again = await get(who, "checkpoint", { "if-none-match": answer.headers["etag"]! });
      expect([again.status, again.text]).toEqual([304, ""]);
    }
  });

  test.each(["", "key"])("hold every hash and every entry of the log (%s)", async (by) => {
    const key = by === "" ? "" : caller.key;
    expect(size).toBeGreaterThan(512);
    const leaves = entries.map(leafHash);
    for (let index = 0; index * 256 < size; index++) {
      const width = Math.min(256, size - index * 256);
      const part = entries.slice(index * 256, index * 256 + width);
      const tile = await bytes(tilePath({ level: 0, index, width }), key);
      expect(tile.toString("hex")).toBe(part.map((entry) => toHex(leafHash(entry))).join(""));
      const bundle = decodeEntryBundle(
        await bytes(tilePath({ level: "entries", index, width }), key),
      );
      expect(bundle.map(toHex)).toEqual(part.map(toHex));
    }
    const upper = await bytes("tile/1/000.p/2", key);
    const wanted = [mth(leaves.slice(0, 256)), mth(leaves.slice(256, 512))];
    expect(upper.toString("hex")).toBe(wanted.map(toHex).join(""));
  });

  test("come in every narrower width, and a partial tile also where the full one is", async () => {
    const full = await bytes("tile/0/000");
    const bundle = decodeEntryBundle(await bytes("tile/entries/000"));
    for (const width of [1, 2, 100, 255]) {
      const tile = await bytes(`tile/0/000.p/${width}`);
      expect(tile.equals(full.subarray(0, 32 * width))).toBe(true);
      const some = decodeEntryBundle(await bytes(`tile/entries/000.p/${width}`));
      expect(some.map(toHex)).toEqual(bundle.slice(0, width).map(toHex));
    }
    expect((await bytes("tile/1/000.p/1")).length).toBe(32);
  });

  test("may be kept for ever, and are not sent again to who has them", async () => {
    for (const [who, readers] of [
      [caller, "private"],
      [stranger, "public"],
    ] as const) {
      for (const path of ["tile/0/000", "tile/0/000.p/7", "tile/entries/001"]) {
        const { headers } = await get(who, path);
        expect(headers).toMatchObject({
          "content-type": "application/octet-stream",
          "cache-control": `${readers}, max-age=31536000, immutable`,
          vary: "Authorization",
          "x-content-type-options": "nosniff",
        });
        expect(headers["etag"]).toMatch(/^"[^"]+"$/);
        const again = await get(who, path, { "if-none-match": `"x", ${headers["etag"]!}` });
        expect([again.status, again.text, again.headers["etag"]]).toEqual([
          304,
          "",
          headers["etag"],
        ]);
        expect((await get(who, path, { "if-none-match": '"x"' })).status).toBe(200);
      }
    }
  });

  test("are not known to anybody where they are not", async () => {
    const path = "tile/0/999";
    for (const who of [caller, stranger])
      for (const tag of ["*", `"${path}"`])
        expect((await get(who, path, { "if-none-match": tag })).status).toBe(404);
    const there = await get(stranger, "tile/0/000", { "if-none-match": "*" });
    expect(there.status).toBe(304);
  });

  test("of the root log have one path", async () => {
    const root = { ...stranger, projectId: "00000000-0000-7000-8000-000000000000" };
    await system.sealHeads();
    for (const path of ["checkpoint", "tile/0/000.p/1"]) {
      expect((await stranger.call("GET", `/log/root/${path}`)).status).toBe(200);
      const answer = await get(stranger, path, {}, root);
      expect([answer.status, answer.body.code]).toEqual([404, "request/log_missing"]);
    }
  });

  test("answer HEAD with the length alone", async () => {
    const answer = await system.app.inject({ method: "HEAD", url: url("tile/0/000") });
    expect([answer.statusCode, answer.payload, answer.headers["content-length"]]).toEqual([
      200,
      "",
      "8192",
    ]);
  });

  test.each([
    ["tile/0/000/", 400],
    ["tile/0/0", 400],
    ["tile/00/000", 400],
    ["tile/0/x000/001", 400],
    ["tile/0/000.p/0", 400],
    ["tile/0/000.p/256", 400],
    ["tile/0/000.p/01", 400],
    ["tile/-1/000", 400],
    ["tile/64/000", 400],
    ["tile/entries/%30%30%30", 400],
    ["tile/entries/000%2ep/1", 400],
    ["tile/0/x999/x999/x999/x999/x999/999", 400],
    ["tile/0/x009/x007/x199/x254/x740/991", 404],
    ["tile/63/000", 404],
    ["tile/63/000.p/1", 404],
    ["tile/1/000", 404],
    ["tile/1/000.p/3", 404],
    ["tile/0/002", 404],
    ["tile/0/003.p/1", 404],
    ["tile/entries/003", 404],
    ["tile/entries/002.p/255", 404],
  ])("%s is answered with %i, kept by nobody", async (path, status) => {
    for (const who of [caller, stranger]) {
      const answer = await get(who, path);
      expect([answer.status, answer.headers["content-type"]]).toEqual([
        status,
        expect.stringContaining("application/problem+json"),
      ]);
      expect(answer.headers["cache-control"] ?? "no-store").toBe("no-store");
    }
  });

  test("do not reach above the newest checkpoint, whatever is stored", async () => {
    const own = await system.project();
    const body = Array.from({ length: 300 }, () => payment());
    await own.call("POST", "/v1/risk/transactions", body);
    await own.call("POST", "/v1/ledger/open", { readers: "entries" });
    await stored(own);
    await system.sql("delete from ledger.checkpoints where tenant_id = $1 and size > 100", [
      own.projectId,
    ]);
    const [newest] = await system.sql<{ size: string }>(
      "insert into ledger.checkpoints (tenant_id, size, root, note) values ($1, 100, sha256(''), 'note') on conflict (tenant_id, size) do update set note = 'note' returning size",
      [own.projectId],
    );
    expect(newest!.size).toBe("100");
    for (const who of [own, stranger]) {
      for (const path of ["tile/0/000", "tile/0/000.p/101", "tile/entries/000.p/101"])
        expect((await get(who, path, {}, own)).status, path).toBe(404);
      expect((await get(who, "tile/0/000.p/100", {}, own)).status).toBe(200);
      expect((await get(who, "tile/entries/000.p/100", {}, own)).status).toBe(200);
    }
    const { body: whole } = await own.call("GET", "/v1/ledger/bundles?index=0");
    expect(whole.width).toBe(100);
  });
});

describe("who gets them", () => {
  const PATHS = ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"];
  const statuses = (who: Caller, of: Caller) =>
    Promise.all(PATHS.map(async (path) => (await get(who, path, {}, of)).status));
  const projectWithEntry = async () => {
    const own = await system.project();
    await own.call("POST", "/v1/risk/transactions", payment());
    return own;
  };

  test("a project shows what it says, sealed, and from then on", async () => {
    const own = await projectWithEntry();
    expect(await statuses(stranger, own)).toEqual([404, 404, 404]);
    expect(await statuses(own, own)).toEqual([200, 200, 200]);
    for (const [readers, wanted] of [
      ["hashes", [200, 200, 404]],
      ["entries", [200, 200, 200]],
    ] as const) {
      const answer = await own.call("POST", "/v1/ledger/open", { readers });
      expect(answer.body).toEqual({ log: `sealbase.test/log/${own.projectId}`, readers });
      expect(await statuses(stranger, own)).toEqual(wanted);
    }
    await own.call("POST", "/v1/ledger/open", { readers: "none" });
    // What was read a moment ago may be kept for a second; nothing else is read any more.
    expect((await get(stranger, "checkpoint", {}, own)).status).toBe(404);
    expect((await get(stranger, "tile/0/000.p/2", {}, own)).status).toBe(404);
    const actions = (await sealedEntries(system, own.projectId)).map(({ action }) => action);
    expect(actions.filter((action) => action === "ledger.log.open")).toHaveLength(3);
  });

  test("a closed log, one that is not there and a name that is none answer the same", async () => {
    const closed = await projectWithEntry();
    const nobody = { ...closed, projectId: "00000000-0000-4000-8000-000000000000" };
    const none = { ...closed, projectId: "nothing" };
    for (const path of PATHS) {
      const answers = await Promise.all(
        [closed, nobody, none].map((of) => get(stranger, path, { "x-request-id": "same" }, of)),
      );
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers[0]!.body).toMatchObject({ code: "request/log_missing", status: 404 });
    }
  });

  test("a key reads its own project's log, if the policies let it, and each reading is decided", async () => {
    const [own, other] = [await projectWithEntry(), await projectWithEntry()];
    expect(await statuses(other, own)).toEqual([404, 404, 404]);
    const account = await own.call("POST", "/v1/service-accounts", { name: "nobody" });
    const key = await own.call("POST", "/v1/api-keys", {
      service_account_id: account.body.id,
      name: "its",
    });
    expect(await statuses(system.as(key.body.key), own)).toEqual([403, 403, 403]);
    expect(await statuses(system.as("sk_000000000000_wrong"), own)).toEqual([401, 401, 401]);
    const { headers } = await get(own, "tile/0/000.p/1", {}, own);
    await system.parts.reads.flush(true);
    const found = await system.sql<{ outcome: string; operation: string }>(
      "select outcome, operation from authz.policy_decisions where tenant_id = $1 and id = $2",
      [own.projectId, headers["sealbase-call"]],
    );
    expect(found).toMatchObject([{ outcome: "allow" }]);
  });

  test("what strangers read leaves no row, and is counted", async () => {
    const counted = async () => {
      const text = await system.parts.metrics.registry.metrics();
      return Number(
        /sealbase_calls_total\{operation="ledger.tile.get",outcome="open",code=""\} (\d+)/.exec(
          text,
        )?.[1] ?? 0,
      );
    };
    const own = await projectWithEntry();
    await own.call("POST", "/v1/ledger/open", { readers: "hashes" });
    await system.parts.reads.flush(true);
    await sealedEntries(system, own.projectId);
    const rows = () =>
      system.sql(
        `select (select count(*) from authz.policy_decisions where tenant_id = $1) as decisions,
          (select count(*) from ledger.entries where tenant_id = $1) as entries`,
        [own.projectId],
      );
    const [before, count] = [await rows(), await counted()];
    for (let i = 1; i <= 2; i++) await get(stranger, `tile/0/000.p/${i}`, {}, own);
    await system.parts.reads.flush(true);
    expect(await rows()).toEqual(before);
    expect(await counted()).toBeGreaterThan(count);
  });

  test("only administrators open a log, and no agent", async () => {
    const own = await projectWithEntry();
    const account = await own.call("POST", "/v1/service-accounts", {
      name: "service",
      groups: ["services"],
    });
    const key = await own.call("POST", "/v1/api-keys", {
      service_account_id: account.body.id,
      name: "its",
    });
    const open = (who: string) =>
      system.as(who).call("POST", "/v1/ledger/open", { readers: "entries" });
    expect((await open(key.body.key)).body.code).toBe("policy/denied");
    const session = await own.call("POST", "/v1/agent-sessions", { name: "a", writes: ["ledger"] });
    expect((await open(session.body.key)).body.code).toBe("policy/not_for_agents");
  });
});

describe("without a key", () => {
  /** Transactions that were begun while this ran. */
  async function transactionsOf(work: () => Promise<unknown>): Promise<number> {
    const count = async () => {
      const text = await system.parts.metrics.registry.metrics();
      return [
        ...text.matchAll(/^db_client_operation_duration_seconds_count\{.*\} (\d+)$/gm),
      ].reduce((sum, [, n]) => sum + Number(n), 0);
    };
    const before = await count();
    await work();
    return (await count()) - before;
  }

  test("a tile that was read is in memory, whatever width is asked for, and its tag needs no reading", async () => {
    await get(stranger, "tile/0/001");
    const { headers } = await get(stranger, "tile/0/001");
    const read = await transactionsOf(async () => {
      for (const width of [1, 17, 255]) await get(stranger, `tile/0/001.p/${width}`);
      await get(stranger, "tile/0/001", { "if-none-match": headers["etag"]! });
    });
    expect(read).toBeLessThanOrEqual(1); // one, if a second went by
  });

  test("many who ask at once hold few connections, and the same question is read once", async () => {
    const read = await transactionsOf(() =>
      Promise.all(Array.from({ length: 100 }, () => get(stranger, "checkpoint"))),
    );
    expect(read).toBeLessThan(20);
    const many = await Promise.all(
      Array.from({ length: 400 }, (_, i) =>
        get(
          stranger,
          "checkpoint",
          {},
          {
            ...caller,
            projectId: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
          },
        ),
      ),
    );
    const codes = many.map(({ body }) => body.code);
    expect(codes.filter((code) => code === "request/log_missing")).toHaveLength(260);
    expect(codes.filter((code) => code === "request/too_many_strangers")).toHaveLength(140);
    expect((await get(stranger, "checkpoint")).status).toBe(200);
  });
});
