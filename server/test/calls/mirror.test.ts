import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MirrorFiles } from "#faces/cli/mirror/files.ts";
import { mirrorLog } from "#faces/cli/mirror/mirror.ts";
import { httpSource, projectSource } from "#faces/cli/mirror/source.ts";
import { sessionOf } from "#faces/cli/session.ts";
import type { System } from "#faces/system.ts";
import {
  CompactRange,
  leafHash,
  type TileFiles,
  TileTree,
  tileRoot,
  verifierOf,
  verifyTiles,
} from "#verifier";
import { operations } from "../../src/main.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

/** A log of the whole system, copied over HTTP and beside the server. */
let system: TestSystem;
let caller: Caller;
let dir: string;
let address: string;
let key: string;
beforeAll(async () => {
  system = await openTestSystem();
  address = await system.app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => system.stop());
beforeEach(async () => {
  caller = await system.project();
  await pay(300);
  const { body } = await caller.call("GET", "/v1/ledger/checkpoint");
  key = body.keys[0];
  dir = mkdtempSync(join(tmpdir(), "sealbase-mirror-"));
  return () => rmSync(dir, { recursive: true });
});

async function pay(count: number): Promise<void> {
  await caller.call(
    "POST",
    "/v1/risk/transactions",
    Array.from({ length: count }, () => payment()),
  );
  await sealedEntries(system, caller.projectId);
}

async function mirror(source: TileFiles, entries = true) {
  const files = await MirrorFiles.take(dir);
  try {
    return await mirrorLog({ source, files, verifiers: [verifierOf(key)], entries, progress() {} });
  } finally {
    await files.release();
  }
}
const url = () => `${address}/log/${caller.projectId}`;
const verified = () => verifyTiles({ read: async (path) => readIfThere(join(dir, path)) }, [key]);
function readIfThere(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

describe("a mirror of a served log", () => {
  test("grows with it, by key, openly, and beside the server", async () => {
    const own = sessionOf({ parts: system.parts, operations } as unknown as System, caller.key);
    expect(await mirror(httpSource(url(), caller.key))).toMatchObject({ previous_size: 0 });
    await pay(220);
    expect((await mirror(projectSource(own))).previous_size).toBeGreaterThanOrEqual(300);
    await caller.call("POST", "/v1/ledger/open", { readers: "entries" });
    const { size, log } = await mirror(httpSource(`${url()}/`, undefined));
    expect(size).toBeGreaterThan(520);
    expect(await verified()).toMatchObject({ ok: true, size, origin: log, entries: true });
  });

  test("is of hashes alone where the project shows no more", async () => {
    await caller.call("POST", "/v1/ledger/open", { readers: "hashes" });
    const refusal = await mirror(httpSource(url(), undefined)).catch((error) => error);
    expect(refusal.code).toBe("verify/source_lacks");
    const { size } = await mirror(httpSource(url(), undefined), false);
    expect(await verified()).toMatchObject({ ok: true, size, entries: false });
  });

  test.each([
    ["a closed log", () => httpSource(url(), undefined), "status 404"],
    [
      "another project's key",
      async () => httpSource(url(), (await system.project()).key),
      "status 404",
    ],
    ["no server", () => httpSource("http://127.0.0.1:65001/log/x", undefined), "ECONNREFUSED"],
  ])("says that it was not let in: %s", async (_, source, why) => {
    const refusal = await mirror(await source()).catch((error) => error);
    expect(refusal).toMatchObject({ code: "cli/mirror_source_failed" });
    expect(JSON.stringify(refusal.facts)).toContain(why);
  });

  test("refuses the log once somebody rewrote it in the database and had it signed anew", async () => {
    await mirror(httpSource(url(), caller.key));
    const before = readFileSync(join(dir, "checkpoint"), "utf8");
    await system.sql("delete from ledger.checkpoints where tenant_id = $1", [caller.projectId]);
    await system.sql(
      "update ledger.entries set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'done', 'lost'), 'UTF8') where tenant_id = $1 and index = 7",
      [caller.projectId],
    );
    await rehash(caller.projectId);
    const other = await system.another();
    await other.as(caller.key).call("POST", "/v1/risk/transactions", payment());
    const refusal = await mirror(httpSource(url(), caller.key)).catch((error) => error);
    expect(refusal.code).toBe("verify/log_forked");
    expect(readFileSync(join(dir, "checkpoint"), "utf8")).toBe(before);
    expect(await verified()).toMatchObject({ ok: true });
  });
});

/** What an attacker who owns the database does to have every sum right again. */
async function rehash(projectId: string): Promise<void> {
  const rows = await system.sql<{ entry: Buffer }>(
    "select entry from ledger.entries where tenant_id = $1 order by index",
    [projectId],
  );
  const [tree, range] = [new TileTree(), new CompactRange()];
  for (const { entry } of rows) {
    tree.append(leafHash(entry));
    range.append(leafHash(entry));
  }
  for (const { level, index, hashes } of tree.takeFull())
    await system.sql(
      "update ledger.tiles set hashes = $4, root = $5 where tenant_id = $1 and level = $2 and index = $3",
      [projectId, level, index, Buffer.from(hashes), Buffer.from(tileRoot(hashes))],
    );
  await system.sql("update ledger.heads set hashes = $2 where tenant_id = $1", [
    projectId,
    range.hashes.map((hash) => Buffer.from(hash)),
  ]);
}
