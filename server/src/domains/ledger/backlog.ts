import type { Clock } from "#kernel/clock.ts";
import type { Db } from "#kernel/db.ts";
import type { Backlog } from "#kernel/metrics-state.ts";
import { readLogsWithWork, readOldestUncovered } from "./queries.ts";

/** Logs whose lag one look asks for; of more that are at work at once, those that come first. */
const LOGS_MAX = 100;
const ENTRIES_MAX = 100_000;

/** How far the logs of all projects are behind what is durable. */
export async function readBacklog(db: Db, clock: Clock): Promise<Backlog> {
  const logs = await db.transaction({ role: "writer", tenantId: null }, (tx) =>
    readLogsWithWork(tx, ENTRIES_MAX),
  );
  let lag_ms = 0;
  // One after the other: a look takes one connection from the calls, not all of them.
  for (const { id: tenantId } of logs.slice(0, LOGS_MAX)) {
    const oldest = await db.transaction({ role: "reader", tenantId }, readOldestUncovered);
    if (oldest !== null) lag_ms = Math.max(lag_ms, clock() - timeOf(oldest));
  }
  const entries = logs.reduce((sum, { pending }) => sum + pending, 0);
  return { entries, lag_s: lag_ms / 1_000 };
}

/** The milliseconds since 1970 that a UUIDv7 begins with. */
const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
