import type pg from "pg";
import { verifyLog } from "../../server/src/domains/ledger/index.ts";
import { openDb } from "../../server/src/kernel/db.ts";

/** Verifies a log in a process of its own, with the garbage collected at every page, and says the most that was in use. */
const { config, tenantId } = JSON.parse(process.argv[2]!) as {
  config: pg.ClientConfig;
  tenantId: string;
};
const collect = (globalThis as { gc?: () => void }).gc!;
const db = await openDb(config, 1);
let live = 0;
let resident = 0;
const start = performance.now();
const report = await db.transaction({ role: "reader", tenantId }, (tx) =>
  verifyLog(tx, {
    progress() {
      collect();
      const { heapUsed, external, rss } = process.memoryUsage();
      live = Math.max(live, heapUsed + external);
      resident = Math.max(resident, rss);
    },
  }),
);
const elapsed_ms = performance.now() - start;
await db.close();
const { entries, valid, findings } = report;
process.send!({ entries, valid, findings, live, resident, elapsed_ms });
process.disconnect();
