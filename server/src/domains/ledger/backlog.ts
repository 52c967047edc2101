import type { Clock } from "#kernel/clock.ts";
import type { Db } from "#kernel/db.ts";
import type { Backlog } from "#kernel/metrics-state.ts";
import { readLogsWithWork, readUncovered } from "./queries.ts";

/** Logs that one look goes through; more of them at work at once are counted as far as that. */
const LOGS_MAX = 100;
const ENTRIES_MAX = 100_000;

/** How far the logs of all projects are behind what is durable. */
export async function readBacklog(db: Db, clock: Clock): Promise<Backlog> {
  const tenants = await db.transaction({ role: "writer", tenantId: null }, readLogsWithWork);
  let entries = 0;
  let lag_ms = 0;
  // One after the other: a look takes one connection from the calls, not all of them.
  for (const tenantId of tenants.slice(0, LOGS_MAX)) {
    const { pending, oldest } = await db.transaction({ role: "reader", tenantId }, (tx) =>
      readUncovered(tx, ENTRIES_MAX),
    );
    entries += pending;
    if (oldest !== null) lag_ms = Math.max(lag_ms, clock() - timeOf(oldest));
  }
  return { entries, lag_s: lag_ms / 1_000 };
}

/** The milliseconds since 1970 that a UUIDv7 begins with. */
const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
