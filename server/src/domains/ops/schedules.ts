import type { Tx } from "#kernel/db.ts";
import { insertRetention, insertSchedules } from "./queries.ts";

const DAY_S = 86_400;

/** What every project does again and again, unless its administrators say otherwise. */
const SCHEDULES = [
  { topic: "authz.drift", everyS: DAY_S, enabled: true },
  { topic: "authz.row-policies", everyS: DAY_S, enabled: true },
  { topic: "ledger.audit", everyS: DAY_S, enabled: true },
  { topic: "ops.retain", everyS: DAY_S, enabled: true },
  { topic: "security.rotate-log-key", everyS: 90 * DAY_S, enabled: false },
];

/** What a new project does again and again, and what it keeps how long. */
export async function createSchedules(tx: Tx, tenantId: string): Promise<void> {
  await insertSchedules(tx, tenantId, SCHEDULES);
  await insertRetention(tx, tenantId);
}
