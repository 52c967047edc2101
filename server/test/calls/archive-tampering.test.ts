import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { verifyBelow } from "#faces/cli/archive/restore.ts";
import { archiveLog, writeFiles } from "#faces/cli/archive/write.ts";
import { ArchiveRig, codeOf, ignored, partsOf } from "../archive-rig.ts";
import type { Caller } from "../system.ts";

let rig: ArchiveRig;
beforeAll(async () => {
  rig = await ArchiveRig.open();
});
afterAll(() => rig.system.stop());
beforeEach(() => rig.newFolder());

/** Files of the archive, below the folder. */
const filesOf = () =>
  readdirSync(rig.dir, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(rig.dir, file)).isFile(),
  );

describe("a changed byte", () => {
  test("of any file is found before anything is restored", async () => {
    const { caller, log } = await rig.logOf(300);
    await rig.archive(log, 256);
    const files = filesOf();
    expect(files.sort()).toEqual([
      "archive/000000000000000-000000000000256.json",
      "payload/000.ndjson.gz",
      "tile/0/000",
      "tile/entries/000",
    ]);
    for (const file of files) {
      const path = join(rig.dir, file);
      const bytes = readFileSync(path);
      for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1;
        writeFileSync(path, changed);
        const refusal = await rig.restore(log).catch((error) => error);
        expect([refusal.code, refusal.facts.file]).toEqual(["verify/archive_changed", file]);
      }
      rmSync(path);
      const code = file.startsWith("archive/") ? "cli/archive_missing" : "verify/archive_changed";
      expect(await codeOf(rig.restore(log))).toBe(code);
      writeFileSync(path, bytes);
    }
    expect(await rig.stored(caller, 256)).toEqual([]);
    expect((await rig.restore(log)).minimum).toBe(0);
  });

  test("of any file, before the entries go, keeps them", async () => {
    const { caller, log } = await rig.logOf(300);
    const before = await rig.stored(caller, 256);
    for (const victim of ["payload/000.ndjson.gz", "tile/0/000", "tile/entries/000"]) {
      const code = await codeOf(
        rig.inFolder((folder) =>
          archiveLog(
            log,
            {
              ...partsOf(folder),
              // A disk that keeps something else than it was given.
              async sync() {
                const bytes = readFileSync(join(rig.dir, victim));
                bytes[bytes.length - 2]! ^= 1;
                writeFileSync(join(rig.dir, victim), bytes);
              },
            },
            { below: 256, published: 300 },
            ignored,
          ),
        ),
      );
      expect([victim, code]).toEqual([victim, "verify/archive_changed"]);
      expect(await rig.stored(caller, 256)).toEqual(before);
    }
    expect(await rig.archive(log, 256)).toMatchObject({ minimum: 256 });
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
      "action/archive_unsound",
    ],
  ])("in the database, %s, keeps entries from being archived", async (_, statement, code) => {
    const { caller, log } = await rig.logOf(300);
    await rig.system.sql(statement, [caller.projectId]);
    expect(await codeOf(rig.archive(log, 256))).toBe(code);
    expect(await rig.stored(caller, 256)).toHaveLength(256);
  });
});

describe("the server takes nothing that it cannot prove", () => {
  const call = (caller: Caller, body: object) => caller.call("POST", "/v1/ledger/archives", body);

  test("when entries go", async () => {
    const { caller, log } = await rig.logOf(300);
    const manifest = await rig.inFolder((folder) =>
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
    await rig.system.sql(
      "update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'done', 'lost'), 'UTF8') where tenant_id = $1 and index = 7",
      [caller.projectId],
    );
    expect((await call(caller, good)).body.code).toBe("action/archive_unsound");
    expect(await rig.stored(caller, 256)).toHaveLength(256);
    await rig.system.sql(
      "update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'lost', 'done'), 'UTF8') where tenant_id = $1 and index = 7",
      [caller.projectId],
    );
    const answers = await Promise.all([call(caller, good), call(caller, good)]);
    expect(answers.map(({ body }) => body.code ?? body.minimum).sort()).toEqual([
      256,
      "action/archive_empty",
    ]);
    expect(await rig.verify(caller)).toEqual({ minimum: 256, found: [] });
  });

  test("when entries come back", async () => {
    const { caller, log } = await rig.logOf(600);
    await rig.archive(log, 256);
    await rig.archive(log, 512);
    const entries = await rig.inFolder(async (folder) => {
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
    expect(await rig.verify(caller)).toEqual({ minimum: 512, found: [] });
    expect(await give(entries.slice(1))).toEqual({
      first: 256,
      past: 512,
      missing: 0,
      minimum: 256,
    });
    expect(await rig.verify(caller)).toEqual({ minimum: 256, found: [] });
    const sealed = (await rig.placed(caller)).findLast(({ outcome }) => outcome === "done")!;
    const entry = (await caller.call("GET", `/v1/ledger/entries/${sealed.id}`)).body;
    expect(Object.keys(entry.payload.request.input)).toEqual(["indexes"]);
    expect(await rig.restore(log)).toMatchObject({ minimum: 0 });
    expect((await give([one])).code).toBe("action/nothing_archived");
  });

  test("and a restore that was given up leaves nothing behind the next archive", async () => {
    const { caller, log } = await rig.logOf(600);
    await rig.archive(log, 256);
    const kept = join(rig.dir, "tile/entries/000");
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
    await expect(rig.restore({ ...log, session })).rejects.toBe(stop);
    expect(await rig.stored(caller, 256)).toHaveLength(20);
    expect(await rig.verify(caller)).toEqual({ minimum: 256, found: [] });
    await rig.archive(log, 512);
    expect(await rig.stored(caller, 512)).toEqual([]);
    expect(existsSync(kept)).toBe(true);
    expect(await rig.restore(log)).toMatchObject({ minimum: 0, entries: 512 });
    expect(await rig.verify(caller)).toEqual({ minimum: 0, found: [] });
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
      "an archive's call that cannot be read any more",
      [
        "update ledger.payloads set payload = 'no JSON' where tenant_id = $1 and entry_id in (select entry_id from ledger.archives where tenant_id = $1)",
      ],
      ["archive_unsealed", "payload_changed"],
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
    const { caller, log } = await rig.logOf(600);
    await rig.archive(log, 256);
    expect(await rig.verify(caller)).toEqual({ minimum: 256, found: [] });
    for (const statement of statements) await rig.system.sql(statement, [caller.projectId]);
    expect([...new Set((await rig.verify(caller)).found)].sort()).toEqual(wanted);
  });
});
