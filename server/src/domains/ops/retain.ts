import type { Db } from "#kernel/db.ts";
import type { Handler } from "./jobs.ts";
import { retainBatch } from "./queries.ts";

/** Rows of a table that go in one transaction: few enough that nobody waits for its locks. */
const BATCH = 5_000;

/** The job `ops.retain`: takes away what the project's policies no longer keep. */
export const retain =
  (db: Db): Handler =>
  async ({ tenantId, signal }) => {
    const removed: Record<string, number> = {};
    for (let more = true; more; ) {
      signal.throwIfAborted();
      const batch = await db.transaction({ role: "writer", tenantId }, (tx) =>
        retainBatch(tx, BATCH),
      );
      for (const { table, removed: rows } of batch) removed[table] = (removed[table] ?? 0) + rows;
      more = batch.some((table) => table.more);
    }
    return { result: { removed } };
  };
