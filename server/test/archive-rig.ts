import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { ArchiveFolder } from "#faces/cli/archive/folder.ts";
import type { ArchivingLog } from "#faces/cli/archive/log.ts";
import { restoreLog } from "#faces/cli/archive/restore.ts";
import { archiveLog, type Folder } from "#faces/cli/archive/write.ts";
import { sessionOf } from "#faces/cli/session.ts";
import type { System } from "#faces/system.ts";
import { verifierOf } from "#verifier";
import { operations } from "../src/main.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "./system.ts";

export interface Archivable {
  readonly caller: Caller;
  readonly log: ArchivingLog;
  /** Of its entries, in order. */
  readonly ids: string[];
}

export const ignored = (): undefined => undefined;

/** What a piece of work was refused with, or `done`. */
export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error) => error.code ?? String(error),
  );

/** A folder that can be told to fail. */
export const partsOf = (folder: ArchiveFolder): Folder => ({
  read: (path, bytesMax) => folder.read(path, bytesMax),
  write: (path, bytes) => folder.write(path, bytes),
  sync: () => folder.sync(),
  belongsTo: (log) => folder.belongsTo(log),
});

/** Logs of a whole system, and a folder for their archives. */
export class ArchiveRig {
  readonly system: TestSystem;
  dir = "";

  private constructor(system: TestSystem) {
    this.system = system;
  }

  static open = async (): Promise<ArchiveRig> => new ArchiveRig(await openTestSystem());

  /** An empty folder; returns what takes it away. */
  newFolder(): () => void {
    const dir = mkdtempSync(join(tmpdir(), "sealbase-archive-"));
    this.dir = dir;
    return () => rmSync(dir, { recursive: true });
  }

  /** A project whose log has `count` payments. */
  async logOf(count = 600): Promise<Archivable> {
    const caller = await this.system.project();
    await caller.call("POST", "/v1/risk/transactions", payment());
    for (let done = 1; done < count; done += 1_000) {
      const length = Math.min(1_000, count - done);
      const body = Array.from({ length }, (_, i) => payment({ amount_cents: 1_000 + i }));
      await caller.call("POST", "/v1/risk/transactions", body);
    }
    const ids = (await this.placed(caller)).map(({ id }) => id);
    const { keys, log } = (await caller.call("GET", "/v1/ledger/checkpoint")).body;
    const parts = { parts: this.system.parts, operations } as unknown as System;
    const session = sessionOf(parts, caller.key);
    return { caller, ids, log: { session, origin: log, verifiers: [verifierOf(keys[0])] } };
  }

  placed = (caller: Caller) => sealedEntries(this.system, caller.projectId);

  async inFolder<T>(work: (folder: ArchiveFolder) => Promise<T>): Promise<T> {
    const folder = await ArchiveFolder.take(this.dir);
    try {
      return await work(folder);
    } finally {
      await folder.release();
    }
  }

  archive = (log: ArchivingLog, below: number) =>
    this.inFolder((folder) =>
      archiveLog(log, folder, { below, published: Number.MAX_SAFE_INTEGER }, ignored),
    );

  restore = (log: ArchivingLog, downTo = 0) =>
    restoreLog(log, ArchiveFolder.at(this.dir), downTo, ignored);

  /** The entries below an index as they are stored, to be compared. */
  async stored({ projectId }: Caller, below: number): Promise<string[]> {
    const rows = await this.system.sql<{ text: string }>(
      `select e.index || ' ' || e.id || ' ' || encode(sha256(e.entry), 'hex') || ' ' || coalesce(encode(p.salt, 'hex') || md5(p.payload), '') as text
       from ledger.entries e left join ledger.payloads p on p.tenant_id = e.tenant_id and p.entry_id = e.id
       where e.tenant_id = $1 and e.index < $2 order by e.index`,
      [projectId, below],
    );
    return rows.map(({ text }) => text);
  }

  async verify(caller: Caller, by: Caller = caller): Promise<{ minimum: number; found: string[] }> {
    await this.placed(caller);
    const { body } = await by.call("POST", "/v1/ledger/verify");
    expect(body.valid).toBe(body.findings.length === 0);
    return {
      minimum: body.minimum,
      found: body.findings.map(({ kind }: { kind: string }) => kind),
    };
  }
}
