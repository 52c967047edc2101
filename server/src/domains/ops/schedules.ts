import type { Tx } from "#kernel/db.ts";
import { insertSchedules } from "./queries.ts";

const DAY_S = 86_400;

/** What every project does again and again, unless its administrators say otherwise. */
const SCHEDULES = [
  { topic: "authz.drift", everyS: DAY_S, enabled: true },
  { topic: "authz.row-policies", everyS: DAY_S, enabled: true },
  { topic: "ledger.audit", everyS: DAY_S, enabled: true },
  { topic: "ops.retain", everyS: DAY_S, enabled: true },
  { topic: "security.rotate-log-key", everyS: 90 * DAY_S, enabled: false },
];

export const createSchedules = (tx: Tx, tenantId: string): Promise<void> =>
  insertSchedules(tx, tenantId, SCHEDULES);
