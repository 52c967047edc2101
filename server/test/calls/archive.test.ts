import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ArchiveFolder } from "#faces/cli/archive/folder.ts";
import { type ArchivingLog, firstSince } from "#faces/cli/archive/log.ts";
import { restoreLog, verifyBelow } from "#faces/cli/archive/restore.ts";
import { archiveLog, type Folder, writeFiles } from "#faces/cli/archive/write.ts";
import { sessionOf } from "#faces/cli/session.ts";
import type { System } from "#faces/system.ts";
import { verifierOf, verifyReceipt } from "#verifier";
import { operations } from "../../src/main.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
let dir: string;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sealbase-archive-"));
  return () => rmSync(dir, { recursive: true });
});

const ignored = () => undefined;

/** A project whose log has at least `count` payments. */
async function logOf(count = 600): Promise<{ caller: Caller; log: ArchivingLog; ids: string[] }> {
  const caller = await system.project();
  await caller.call("POST", "/v1/risk/transactions", payment());
  for (let done = 1; done < count; done += 1_000) {
    const length = Math.min(1_000, count - done);
    const body = Array.from({ length }, (_, i) => payment({ amount_cents: 1_000 + i }));
    await caller.call("POST", "/v1/risk/transactions", body);
  }
  const ids = (await placed(caller)).map(({ id }) => id);
  const { keys, log } = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
  const session = sessionOf({ parts: system.parts, operations } as unknown as System, caller.key);
  return { caller, ids, log: { session, origin: log, verifiers: [verifierOf(keys[0])] } };
}
const placed = (caller: Caller) => sealedEntries(system, caller.projectId);

async function inFolder<T>(work: (folder: ArchiveFolder) => Promise<T>): Promise<T> {
  const folder = await ArchiveFolder.take(dir);
  try {
    return await work(folder);
  } finally {
    await folder.release();
  }
}
/** A folder that can be told to fail. */
const partsOf = (folder: ArchiveFolder): Folder => ({
  read: (path, bytesMax) => folder.read(path, bytesMax),
  write: (path, bytes) => folder.write(path, bytes),
  sync: () => folder.sync(),
  belongsTo: (log) => folder.belongsTo(log),
});
const archive = (log: ArchivingLog, below: number) =>
  inFolder((folder) =>
    archiveLog(log, folder, { below, published: Number.MAX_SAFE_INTEGER }, ignored),
  );
const restore = (log: ArchivingLog, downTo = 0) =>
  inFolder((folder) => restoreLog(log, folder, downTo, ignored));

/** Everything of the log that is stored, as it can be compared. */
async function stored({ projectId }: Caller, below: number): Promise<string[]> {
  const rows = await system.sql<{ text: string }>(
    `select e.index || ' ' || e.id || ' ' || encode(sha256(e.entry), 'hex') || ' ' || coalesce(encode(p.salt, 'hex') || md5(p.payload), '') as text
     from ledger.entries e left join ledger.payloads p on p.tenant_id = e.tenant_id and p.entry_id = e.id
     where e.tenant_id = $1 and e.index < $2 order by e.index`,
    [projectId, below],
  );
  return rows.map(({ text }) => text);
}

async function verify(caller: Caller, by: Caller = caller) {
  await placed(caller);
  const { body } = await by.call("POST", "/v1/ledger/verify");
  expect(body.valid).toBe(body.findings.length === 0);
  return {
    minimum: body.minimum,
    found: body.findings.map(({ kind }: { kind: string }) => kind),
  };
}
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error) => error.code ?? String(error),
  );

describe("archived entries", () => {
  test("are in files, and everything about the others still holds", async () => {
    const { caller, log, ids } = await logOf();
    const receipt = (await caller.call("GET", `/v1/ledger/entries/${ids[3]}/receipt`)).body.receipt;
    expect(await archive(log, 530)).toMatchObject({
      first: 0,
      minimum: 512,
      manifests: ["archive/000000000000000-000000000000512.json"],
    });
    expect(await stored(caller, 512)).toEqual([]);
    expect(await verify(caller)).toEqual({ minimum: 512, found: [] });

    const gone = await caller.call("GET", `/v1/ledger/entries/${ids[3]}`);
    expect([gone.status, gone.body.code, gone.body.facts]).toEqual([
      410,
      "action/entry_archived",
      expect.objectContaining({ index: 3, minimum: 512 }),
    ]);
    const path = `/v1/ledger/entries/${ids[3]}/receipt`;
    expect((await caller.call("GET", path)).body.code).toBe("action/entry_archived");
    const { keys } = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
    const kept = (await caller.call("GET", `/v1/ledger/entries/${ids[550]}/receipt`)).body.receipt;
    for (const text of [receipt, kept])
      expect(verifyReceipt(text, keys)).toMatchObject({ ok: true });
    for (const older of [1, 256, 300, 512, 555]) {
      const { status } = await caller.call("GET", `/v1/ledger/consistency?older_size=${older}`);
      expect(status).toBe(200);
    }
    const bundle = (index: number) => caller.call("GET", `/v1/ledger/bundles?index=${index}`);
    expect((await bundle(1)).body).toMatchObject({
      code: "action/bundle_archived",
      facts: { index: 1, minimum: 512 },
    });
    expect([(await bundle(0)).status, (await bundle(2)).status]).toEqual([410, 200]);
    const file = (name: string) => caller.call("GET", `/log/${caller.projectId}/${name}`);
    expect([
      (await file("tile/entries/000")).status,
      (await file("tile/0/000")).status,
      (await file("tile/0/001")).status,
    ]).toEqual([410, 200, 200]);
    const { items } = (await caller.call("GET", "/v1/ledger/entries?limit=200")).body;
    expect(items.at(-1).index).toBe(512);

    const why = (await caller.call("GET", `/v1/decisions/${ids[3]}/why`)).body;
    expect(why.calls[0].seal).toMatchObject({ index: 3, payload: "archived", erased_by: null });
    expect(why.text).toContain("in an archive");
    const replay = (await caller.call("POST", `/v1/decisions/${ids[3]}/replay`, {})).body;
    expect(replay).toMatchObject({ agrees: true, calls: [{ agrees: true }] });
    expect(
      (await caller.call("POST", `/v1/ledger/entries/${ids[3]}/erase`, { reason: "r" })).body.code,
    ).toBe("action/entry_archived");

    const follow = (after: string) =>
      caller.call("GET", `/v1/realtime?after=${after}&events_max=1&seconds_max=2`, undefined, {
        accept: "text/event-stream",
      });
    expect((await follow("511.0")).text).toContain("action/offset_archived");
    expect((await follow("512.0")).text).toContain('"offset":"512.1"');
    const hook = await caller.call("POST", "/v1/webhooks", {
      url: "https://hook.example/",
      channels: ["entries"],
      after: "5.0",
    });
    expect(hook.body.code).toBe("action/offset_archived");

    // The sequencer of a fresh server takes the log up again from its tiles.
    const other = await system.another();
    const again = other.as(caller.key, caller.projectId);
    expect((await again.call("POST", "/v1/risk/transactions", payment())).status).toBe(201);
    expect(await verify(caller, again)).toEqual({ minimum: 512, found: [] });
    await other.stop();
  });

  test("come back as they were, but for what was erased", async () => {
    const { caller, log, ids } = await logOf();
    await caller.call("POST", `/v1/ledger/entries/${ids[7]}/erase`, { reason: "before" });
    await placed(caller);
    const before = await stored(caller, 512);
    await archive(log, 512);
    cpSync(dir, `${dir}-kept`, { recursive: true });
    expect(await restore(log)).toMatchObject({ minimum: 0, entries: 512 });
    expect(await stored(caller, 512)).toEqual(before);
    expect(await verify(caller)).toEqual({ minimum: 0, found: [] });
    expect((await caller.call("GET", `/v1/ledger/entries/${ids[3]}`)).body.payload).not.toBeNull();

    await caller.call("POST", `/v1/ledger/entries/${ids[9]}/erase`, { reason: "between" });
    await placed(caller);
    await archive(log, 256);
    rmSync(dir, { recursive: true });
    cpSync(`${dir}-kept`, dir, { recursive: true });
    rmSync(`${dir}-kept`, { recursive: true });
    // The older files hold the payload still, but the newer archive is the one to come back.
    expect(await codeOf(restore(log))).toBe("cli/archive_missing");
    expect(await verify(caller)).toEqual({ minimum: 256, found: [] });
  });

  test("of files that are older than an erasure come back without what was erased", async () => {
    const { caller, log, ids } = await logOf();
    await archive(log, 256);
    // As if the call had come while they were here: an archived entry is restored to be erased.
    await system.sql(
      "insert into ledger.erasures (tenant_id, entry_id, erasure_id) values ($1, $2, $3)",
      [caller.projectId, ids[5], ids[300]],
    );
    await restore(log);
    const [row] = await system.sql<{ there: boolean }>(
      "select exists (select from ledger.payloads where entry_id = $1) as there",
      [ids[5]],
    );
    expect(row!.there).toBe(false);
    expect((await verify(caller)).found).toEqual(["payload_missing"]);
  });

  test("go and come archive by archive, next to the minimum index only", async () => {
    const { caller, log } = await logOf(1_100);
    const before = await stored(caller, 1_024);
    await archive(log, 300);
    await archive(log, 1_024);
    expect(await codeOf(archive(log, 1_024))).toBe("cli/nothing_to_archive");
    expect(await codeOf(archive(log, 256))).toBe("cli/nothing_to_archive");
    expect(await verify(caller)).toEqual({ minimum: 1_024, found: [] });
    const { items } = (await caller.call("GET", "/v1/ledger/archives")).body;
    expect(
      items.map(({ first, past, kind }: { first: number; past: number; kind: string }) => [
        kind,
        first,
        past,
      ]),
    ).toEqual([
      ["archived", 256, 1_024],
      ["archived", 0, 256],
    ]);
    expect(await restore(log, 256)).toMatchObject({ minimum: 256, entries: 768 });
    expect(await verify(caller)).toEqual({ minimum: 256, found: [] });
    expect(await restore(log)).toMatchObject({ minimum: 0, entries: 256 });
    expect(await stored(caller, 1_024)).toEqual(before);
    expect(await codeOf(restore(log))).toBe("done");
    expect(await verify(caller)).toEqual({ minimum: 0, found: [] });
  });

  test("keep the entries by which the log's keys are followed", async () => {
    const { caller, log, ids } = await logOf(300);
    await system.sql(
      "insert into ledger.key_rollovers (tenant_id, number, previous_key, next_key, entry_id) values ($1, 2, 'a', 'b', $2)",
      [caller.projectId, ids[10]],
    );
    await archive(log, 256);
    const receipt = await caller.call("GET", `/v1/ledger/entries/${ids[10]}/receipt`);
    expect(receipt.status).toBe(200);
    expect(await verify(caller)).toEqual({ minimum: 256, found: [] });
    expect(await restore(log)).toMatchObject({ minimum: 0, entries: 256 });
    expect(await verify(caller)).toEqual({ minimum: 0, found: [] });
  });

  test("are found by their age", async () => {
    const { log, ids } = await logOf(300);
    const [row] = await system.sql<{ time: string }>(
      "select convert_from(entry, 'UTF8')::json ->> 'time' as time from ledger.entries where id = $1",
      [ids[1]],
    );
    const since = Date.parse(row!.time);
    const sizes = { from: 0, size: 300 };
    expect(await firstSince(log, sizes, since)).toBe(1);
    expect(await firstSince(log, sizes, 0)).toBe(0);
    expect(await firstSince(log, sizes, since + 86_400_000)).toBe(300);
  });
});

/** Files of the archive, below the folder. */
const filesOf = () =>
  readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(dir, file)).isFile(),
  );

describe("a changed byte", () => {
  test("of any file is found before anything is restored", async () => {
    const { caller, log } = await logOf(300);
    await archive(log, 256);
    const files = filesOf();
    expect(files.sort()).toEqual([
      "archive/000000000000000-000000000000256.json",
      "payload/000.ndjson.gz",
      "tile/0/000",
      "tile/entries/000",
    ]);
    for (const file of files) {
      const path = join(dir, file);
      const bytes = readFileSync(path);
      for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1;
        writeFileSync(path, changed);
        const refusal = await restore(log).catch((error) => error);
        expect([refusal.code, refusal.facts.file]).toEqual(["verify/archive_changed", file]);
      }
      rmSync(path);
      const code = file.startsWith("archive/") ? "cli/archive_missing" : "verify/archive_changed";
      expect(await codeOf(restore(log))).toBe(code);
      writeFileSync(path, bytes);
    }
    expect(await stored(caller, 256)).toEqual([]);
    expect((await restore(log)).minimum).toBe(0);
  });

  test("of any file, before the entries go, keeps them", async () => {
    const { caller, log } = await logOf(300);
    const before = await stored(caller, 256);
    for (const victim of ["payload/000.ndjson.gz", "tile/0/000", "tile/entries/000"]) {
      const code = await codeOf(
        inFolder((folder) =>
          archiveLog(
            log,
            {
              ...partsOf(folder),
              // A disk that keeps something else than it was given.
              async sync() {
                const bytes = readFileSync(join(dir, victim));
                bytes[bytes.length - 2]! ^= 1;
                writeFileSync(join(dir, victim), bytes);
              },
            },
            { below: 256, published: 300 },
            ignored,
          ),
        ),
      );
      expect([victim, code]).toEqual([victim, "verify/archive_changed"]);
      expect(await stored(caller, 256)).toEqual(before);
    }
    expect(await archive(log, 256)).toMatchObject({ minimum: 256 });
  });

  const payloadAt7 =
    "from ledger.entries e where p.tenant_id = $1 and e.id = p.entry_id and e.index = 7";
  test.each([
    [
      "of an entry",
      "update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'done', 'lost'), 'UTF8') where tenant_id = $1 and index = 7",
      "verify/archive_changed",
    ],
    [
      "that took a payload away",
      `delete from ledger.payloads p ${payloadAt7.replace("from", "using")}`,
      "action/payload_missing",
    ],
    [
      "of a payload",
      `update ledger.payloads p set payload = p.payload || ' ' ${payloadAt7}`,
      "verify/archive_changed",
    ],
    [
      "of a tile",
      "update ledger.tiles set hashes = set_byte(hashes, 9, get_byte(hashes, 9) # 1) where tenant_id = $1",
      "action/archive_wrong_root",
    ],
  ])("in the database, %s, keeps entries from being archived", async (_, statement, code) => {
    const { caller, log } = await logOf(300);
    await system.sql(statement, [caller.projectId]);
    expect(await codeOf(archive(log, 256))).toBe(code);
    expect(await stored(caller, 256)).toHaveLength(256);
  });
});

describe("the server takes nothing that it cannot prove", () => {
  const call = (caller: Caller, body: object) => caller.call("POST", "/v1/ledger/archives", body);

  test("when entries go", async () => {
    const { caller, log } = await logOf(300);
    const manifest = await inFolder((folder) =>
      writeFiles(log, folder, { first: 0, past: 256 }, ignored),
    );
    const good = { past: 256, root: manifest.root, manifest_hash: "0".repeat(64) };
    for (const [more, code] of [
      [{ past: 255 }, "request/invalid"],
      [{ past: 0 }, "request/invalid"],
      [{ past: 512 }, "action/size_unpublished"],
      [{ root: Buffer.alloc(32).toString("base64") }, "action/archive_wrong_root"],
      [{ manifest_hash: "none" }, "request/invalid"],
    ] as const)
      expect((await call(caller, { ...good, ...more })).body.code).toBe(code);
    await system.sql(
      "update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'done', 'lost'), 'UTF8') where tenant_id = $1 and index = 7",
      [caller.projectId],
    );
    expect((await call(caller, good)).body.code).toBe("action/archive_unsound");
    expect(await stored(caller, 256)).toHaveLength(256);
    await system.sql(
      "update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'lost', 'done'), 'UTF8') where tenant_id = $1 and index = 7",
      [caller.projectId],
    );
    const answers = await Promise.all([call(caller, good), call(caller, good)]);
    expect(answers.map(({ body }) => body.code ?? body.minimum).sort()).toEqual([
      256,
      "action/archive_empty",
    ]);
    expect(await verify(caller)).toEqual({ minimum: 256, found: [] });
  });

  test("when entries come back", async () => {
    const { caller, log } = await logOf(600);
    await archive(log, 256);
    await archive(log, 512);
    const entries = await inFolder(async (folder) => {
      const archived = (await caller.call("GET", "/v1/ledger/archives")).body.items;
      const below = { archived, minimum: 512, downTo: 256 };
      await verifyBelow(log, folder, below);
      const { decodePayloads } = await import("#faces/cli/archive/payloads.ts");
      const { decodeEntryBundle } = await import("#verifier");
      const bundle = decodeEntryBundle((await folder.read("tile/entries/001", 1e8))!);
      return decodePayloads((await folder.read("payload/001.ndjson.gz"))!).map((opening, i) => ({
        ...opening,
        entry: Buffer.from(bundle[i]!).toString(),
      }));
    });
    const give = async (given: object[]) =>
      (await caller.call("POST", "/v1/ledger/archives/restore", { entries: given })).body;
    const [one, two] = entries as [(typeof entries)[number], (typeof entries)[number]];
    for (const [given, code] of [
      [{ ...one, index: 0 }, "action/outside_archive"],
      [{ ...one, index: 512 }, "action/outside_archive"],
      [{ ...one, entry: two.entry }, "action/archive_changed"],
      [{ ...one, id: two.id }, "action/archive_changed"],
      [{ ...one, payload: two.payload }, "action/archive_changed"],
      [{ ...one, salt: two.salt }, "action/archive_changed"],
      [{ ...one, payload: null, salt: null }, "action/archive_changed"],
      [{ ...one, salt: "AAAA" }, "action/archive_changed"],
    ] as const)
      expect([(await give([given])).code, given]).toEqual([code, given]);
    expect(await give([one])).toEqual({ first: 256, past: 512, missing: 255, minimum: 512 });
    // What is on its way back is not seen.
    expect((await caller.call("GET", `/v1/ledger/entries/${one.id}`)).body.code).toBe(
      "action/entry_archived",
    );
    expect((await caller.call("GET", "/v1/ledger/entries?limit=200")).body.items.at(-1).index).toBe(
      512,
    );
    expect(await verify(caller)).toEqual({ minimum: 512, found: [] });
    expect(await give(entries.slice(1))).toEqual({
      first: 256,
      past: 512,
      missing: 0,
      minimum: 256,
    });
    expect(await verify(caller)).toEqual({ minimum: 256, found: [] });
    const sealed = (await placed(caller)).findLast(({ outcome }) => outcome === "done")!;
    const entry = (await caller.call("GET", `/v1/ledger/entries/${sealed.id}`)).body;
    expect(Object.keys(entry.payload.request.input)).toEqual(["indexes"]);
    expect(await restore(log)).toMatchObject({ minimum: 0 });
    expect((await give([one])).code).toBe("action/nothing_archived");
  });

  test("and a restore that was given up leaves nothing behind the next archive", async () => {
    const { caller, log } = await logOf(600);
    await archive(log, 256);
    const kept = join(dir, "tile/entries/000");
    copyFileSync(kept, `${kept}.kept`);
    const stop = new Error("the machine stopped");
    const session = {
      ...log.session,
      call: ((operation: string, input: { entries?: object[] }) =>
        operation === "ledger.archive.restore"
          ? log.session
              .call(operation, { entries: input.entries!.slice(0, 20) })
              .then(() => Promise.reject(stop))
          : log.session.call(operation, input)) as typeof log.session.call,
    };
    await expect(restore({ ...log, session })).rejects.toBe(stop);
    expect(await stored(caller, 256)).toHaveLength(20);
    expect(await verify(caller)).toEqual({ minimum: 256, found: [] });
    await archive(log, 512);
    expect(await stored(caller, 512)).toEqual([]);
    expect(existsSync(kept)).toBe(true);
    expect(await restore(log)).toMatchObject({ minimum: 0, entries: 512 });
    expect(await verify(caller)).toEqual({ minimum: 0, found: [] });
  });
});

describe("an archive run goes on wherever it was stopped", () => {
  test("and no entry is gone whose files do not hold it", async () => {
    let stops = 0;
    for (let breaking = 1; ; breaking++) {
      rmSync(dir, { recursive: true });
      const { caller, log } = await logOf(530);
      let steps = 0;
      const step = <T>(work: () => Promise<T>): Promise<T> => {
        if (++steps === breaking) throw new Error("the machine stopped");
        return work();
      };
      const session = {
        ...log.session,
        call: ((operation: string, input: unknown) =>
          operation === "ledger.archive.commit"
            ? step(() => log.session.call(operation, input))
            : log.session.call(operation, input)) as typeof log.session.call,
      };
      const code = await codeOf(
        inFolder((folder) =>
          archiveLog(
            { ...log, session },
            {
              ...partsOf(folder),
              write: (path, bytes) => step(() => folder.write(path, bytes)),
              sync: () => step(() => folder.sync()),
            },
            { below: 512, published: 530 },
            ignored,
          ),
        ),
      );
      const isDone = code === "done";
      const { minimum, found } = await verify(caller);
      expect([found, minimum]).toEqual([[], isDone ? 512 : 0]);
      if (isDone) break;
      stops++;
      expect(await archive(log, 512)).toMatchObject({ minimum: 512 });
      expect((await restore(log)).minimum).toBe(0);
    }
    expect(stops).toBe(9);
  });
});

describe("verification finds", () => {
  test.each<[string, string[], string[]]>([
    [
      "entries that were taken away as if archived",
      [
        "insert into ledger.archives (tenant_id, number, kind, first, past, root, manifest_hash, entry_id) select $1, 2, 'archived', 256, 512, root, manifest_hash, entry_id from ledger.archives where tenant_id = $1",
        "insert into ledger.archived (tenant_id, id, index) select tenant_id, id, index from ledger.entries where tenant_id = $1 and index between 256 and 511",
        "delete from ledger.payloads p using ledger.archived a where p.tenant_id = $1 and a.id = p.entry_id",
        "delete from ledger.entries where tenant_id = $1 and index between 256 and 511",
      ],
      ["archive_unsealed"],
    ],
    [
      "a minimum index that nobody moved",
      [
        "insert into ledger.archives (tenant_id, number, kind, first, past, root, manifest_hash, entry_id) select $1, 2, 'archived', 256, 512, root, manifest_hash, gen_random_uuid() from ledger.archives where tenant_id = $1",
      ],
      ["archive_changed", "archive_unsealed"],
    ],
    [
      "ids that hide rows nobody sealed",
      ["insert into ledger.archived (tenant_id, id, index) values ($1, gen_random_uuid(), 999999)"],
      ["archive_changed"],
    ],
    [
      "an archived entry's hash that was changed",
      [
        "update ledger.tiles set hashes = set_byte(hashes, 9, get_byte(hashes, 9) # 1) where tenant_id = $1 and level = 0 and index = 0",
      ],
      ["checkpoint_mismatch", "head_mismatch"],
    ],
    [
      "a tile over archived entries that is gone",
      ["delete from ledger.tiles where tenant_id = $1 and level = 0 and index = 0"],
      ["checkpoint_mismatch", "head_mismatch", "tile_changed", "tile_missing", "truncated"],
    ],
    [
      "a checkpoint below the minimum index that was changed",
      [
        "update ledger.checkpoints set root = sha256('x') where tenant_id = $1 and size = (select min(size) from ledger.checkpoints where tenant_id = $1)",
      ],
      ["checkpoint_mismatch"],
    ],
  ])("%s", async (_, statements, wanted) => {
    const { caller, log } = await logOf(600);
    await archive(log, 256);
    expect(await verify(caller)).toEqual({ minimum: 256, found: [] });
    for (const statement of statements) await system.sql(statement, [caller.projectId]);
    expect([...new Set((await verify(caller)).found)].sort()).toEqual(wanted);
  });
});

test("a webhook that was behind is told of what is left", async () => {
  const { caller, log } = await logOf(300);
  const url = "http://127.0.0.1:9/hook";
  const { body } = await caller.call("POST", "/v1/webhooks", {
    url,
    channels: ["entries"],
    after: "0.0",
  });
  await placed(caller);
  await archive(log, 256);
  const worker = await system.another();
  worker.work();
  const at = async () => (await caller.call("GET", `/v1/webhooks/${body.id}`)).body.position;
  await expect
    .poll(async () => Number.parseInt(await at(), 10), { timeout: 5_000 })
    .toBeGreaterThan(256);
  const bodies = await system.sql<{ payload: string }>(
    "select payload from ops.outbox where tenant_id = $1 and topic = 'webhook.deliver'",
    [caller.projectId],
  );
  expect(bodies.length).toBeGreaterThan(0);
});

test("a folder keeps to one log, and to one process", async () => {
  const [one, two] = [await logOf(300), await logOf(300)];
  await archive(one.log, 256);
  expect(await codeOf(archive(two.log, 256))).toBe("cli/archive_other_log");
  expect(await codeOf(restore(two.log))).toBe("done");
  writeFileSync(join(dir, "archive/lock"), String(process.ppid));
  expect(await codeOf(archive(one.log, 256))).toBe("cli/mirror_busy");
});
