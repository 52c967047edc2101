import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { firstSince } from "#faces/cli/archive/log.ts";
import { archiveLog } from "#faces/cli/archive/write.ts";
import { lock } from "#faces/cli/mirror/files.ts";
import { verifierOf, verifyReceipt } from "#verifier";
import { ArchiveRig, codeOf, ignored, partsOf } from "../archive-rig.ts";
import { payment } from "../system.ts";

let rig: ArchiveRig;
beforeAll(async () => {
  rig = await ArchiveRig.open();
});
afterAll(() => rig.system.stop());
beforeEach(() => rig.newFolder());

describe("archived entries", () => {
  test("are in files, and everything about the others still holds", async () => {
    const { caller, log, ids } = await rig.logOf();
    const receipt = (await caller.call("GET", `/v1/ledger/entries/${ids[3]}/receipt`)).body.receipt;
    expect(await rig.archive(log, 530)).toMatchObject({
      first: 0,
      minimum: 512,
      manifests: ["archive/000000000000000-000000000000512.json"],
    });
    expect(await rig.stored(caller, 512)).toEqual([]);
    expect(await rig.verify(caller)).toEqual({ minimum: 512, found: [] });

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
    const other = await rig.system.another();
    const again = other.as(caller.key, caller.projectId);
    expect((await again.call("POST", "/v1/risk/transactions", payment())).status).toBe(201);
    expect(await rig.verify(caller, again)).toEqual({ minimum: 512, found: [] });
    await other.stop();
  });

  test("come back as they were, but for what was erased", async () => {
    const { caller, log, ids } = await rig.logOf();
    await caller.call("POST", `/v1/ledger/entries/${ids[7]}/erase`, { reason: "before" });
    await rig.placed(caller);
    const before = await rig.stored(caller, 512);
    await rig.archive(log, 512);
    cpSync(rig.dir, `${rig.dir}-kept`, { recursive: true });
    expect(await rig.restore(log)).toMatchObject({ minimum: 0, entries: 512 });
    expect(await rig.stored(caller, 512)).toEqual(before);
    expect(await rig.verify(caller)).toEqual({ minimum: 0, found: [] });
    expect((await caller.call("GET", `/v1/ledger/entries/${ids[3]}`)).body.payload).not.toBeNull();

    await caller.call("POST", `/v1/ledger/entries/${ids[9]}/erase`, { reason: "between" });
    await rig.placed(caller);
    await rig.archive(log, 256);
    rmSync(rig.dir, { recursive: true });
    cpSync(`${rig.dir}-kept`, rig.dir, { recursive: true });
    rmSync(`${rig.dir}-kept`, { recursive: true });
    // The older files hold the payload still, but the newer archive is the one to come back.
    expect(await codeOf(rig.restore(log))).toBe("cli/archive_missing");
    expect(await rig.verify(caller)).toEqual({ minimum: 256, found: [] });
  });

  test("of files that are older than an erasure come back without what was erased", async () => {
    const { caller, log, ids } = await rig.logOf();
    await rig.archive(log, 256);
    // As if the call had come while they were here: an archived entry is restored to be erased.
    await rig.system.sql(
      "insert into ledger.erasures (tenant_id, entry_id, erasure_id) values ($1, $2, $3)",
      [caller.projectId, ids[5], ids[300]],
    );
    await rig.restore(log);
    const [row] = await rig.system.sql<{ there: boolean }>(
      "select exists (select from ledger.payloads where entry_id = $1) as there",
      [ids[5]],
    );
    expect(row!.there).toBe(false);
    expect((await rig.verify(caller)).found).toEqual(["payload_missing"]);
  });

  test("go and come archive by archive, next to the minimum index only", async () => {
    const { caller, log } = await rig.logOf(1_100);
    const before = await rig.stored(caller, 1_024);
    await rig.archive(log, 300);
    await rig.archive(log, 1_024);
    expect(await codeOf(rig.archive(log, 1_024))).toBe("cli/nothing_to_archive");
    expect(await codeOf(rig.archive(log, 256))).toBe("cli/nothing_to_archive");
    expect(await rig.verify(caller)).toEqual({ minimum: 1_024, found: [] });
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
    expect(await rig.restore(log, 256)).toMatchObject({ minimum: 256, entries: 768 });
    expect(await rig.verify(caller)).toEqual({ minimum: 256, found: [] });
    expect(await rig.restore(log)).toMatchObject({ minimum: 0, entries: 256 });
    expect(await rig.stored(caller, 1_024)).toEqual(before);
    expect(await codeOf(rig.restore(log))).toBe("done");
    expect(await rig.verify(caller)).toEqual({ minimum: 0, found: [] });
  });

  test("keep the entries by which the log's keys are followed", async () => {
    const { caller, log } = await rig.logOf(10);
    rig.system.work();
    const job = (await caller.call("POST", "/v1/ledger/keys/rotate", {})).body;
    await expect
      .poll(async () => (await caller.call("GET", `/v1/jobs/${job.id}`)).body.status)
      .toBe("done");
    const [rollover] = await rig.system.sql<{ id: string }>(
      "select entry_id as id from ledger.key_rollovers where tenant_id = $1",
      [caller.projectId],
    );
    const body = Array.from({ length: 300 }, () => payment());
    await caller.call("POST", "/v1/risk/transactions", body);
    await rig.placed(caller);
    const { keys } = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
    await rig.archive({ ...log, verifiers: keys.map(verifierOf) }, 256);
    const receipt = await caller.call("GET", `/v1/ledger/entries/${rollover!.id}/receipt`);
    expect(receipt.status).toBe(200);
    expect(await rig.verify(caller)).toEqual({ minimum: 256, found: [] });
    expect(await rig.restore({ ...log, verifiers: keys.map(verifierOf) })).toMatchObject({
      minimum: 0,
      entries: 256,
    });
    expect(await rig.verify(caller)).toEqual({ minimum: 0, found: [] });
  });

  test("are found by their age", async () => {
    const { log, ids } = await rig.logOf(300);
    const [row] = await rig.system.sql<{ time: string }>(
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

describe("an archive run goes on wherever it was stopped", () => {
  test("and no entry is gone whose files do not hold it", async () => {
    let stops = 0;
    for (let breaking = 1; ; breaking++) {
      rmSync(rig.dir, { recursive: true });
      const { caller, log } = await rig.logOf(530);
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
        rig.inFolder((folder) =>
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
      const { minimum, found } = await rig.verify(caller);
      expect([found, minimum]).toEqual([[], isDone ? 512 : 0]);
      if (isDone) break;
      stops++;
      expect(await rig.archive(log, 512)).toMatchObject({ minimum: 512 });
      expect((await rig.restore(log)).minimum).toBe(0);
    }
    expect(stops).toBe(9);
  });
});

test("a webhook that was behind is told of what is left", async () => {
  const { caller, log } = await rig.logOf(300);
  const url = "http://127.0.0.1:9/hook";
  const { body } = await caller.call("POST", "/v1/webhooks", {
    url,
    channels: ["entries"],
    after: "0.0",
  });
  await rig.placed(caller);
  await rig.archive(log, 256);
  const worker = await rig.system.another();
  worker.work();
  const at = async () => (await caller.call("GET", `/v1/webhooks/${body.id}`)).body.position;
  await expect
    .poll(async () => Number.parseInt(await at(), 10), { timeout: 5_000 })
    .toBeGreaterThan(256);
  const bodies = await rig.system.sql<{ payload: string }>(
    "select payload from ops.outbox where tenant_id = $1 and topic = 'webhook.deliver'",
    [caller.projectId],
  );
  expect(bodies.length).toBeGreaterThan(0);
});

test("a folder keeps to one log, and to one process", async () => {
  const [one, two] = [await rig.logOf(300), await rig.logOf(300)];
  await rig.archive(one.log, 256);
  expect(await codeOf(rig.archive(two.log, 256))).toBe("cli/archive_other_log");
  expect(await codeOf(rig.restore(two.log))).toBe("done");
  const held = await lock(join(rig.dir, "archive"), rig.dir);
  expect(await codeOf(rig.archive(one.log, 256))).toBe("cli/mirror_busy");
  await held.release();
});
