import type pg from "pg";
import type { Scope } from "./db.ts";
import type { Slow } from "./log-slow.ts";
import type { Metrics } from "./metrics.ts";
import type { Connections } from "./metrics-state.ts";
import { Refusal } from "./refusal.ts";
import { clientSpan } from "./trace.ts";

/** What is told of the work of a database. */
export interface Watch {
  /** Counts a transaction's time; one that belongs to a call is a span of that call. */
  transaction<T>(scope: Scope, work: () => Promise<T>): Promise<T>;
  statement(took_ms: number, text: string, requestId: string | undefined): void;
}

export const UNWATCHED: Watch = { transaction: (_, work) => work(), statement: () => {} };

export function watchDatabase({ transactions }: Metrics, slow: Slow): Watch {
  return {
    statement: slow.statement,
    async transaction({ role, requestId }, work) {
      const about = { db_system_name: "postgresql", db_operation_name: `${role} transaction` };
      const start_ms = performance.now();
      let error_type = "";
      try {
        return await (requestId === undefined ? work() : clientSpan(...spanOf(role), work));
      } catch (error) {
        error_type = error instanceof Refusal ? error.code : "thrown";
        throw error;
      } finally {
        transactions.observe({ ...about, error_type }, (performance.now() - start_ms) / 1_000);
      }
    },
  };
}

const spanOf = (role: string): [string, Record<string, string>] => [
  `postgresql ${role} transaction`,
  { "db.system.name": "postgresql", "db.operation.name": `${role} transaction` },
];

/** The state of a pool, and since when somebody has been waiting for a connection of it. */
export function watchPool(pool: pg.Pool): () => Connections {
  let since_ms: number | undefined;
  const note = () => {
    since_ms = pool.waitingCount === 0 ? undefined : (since_ms ?? performance.now());
  };
  // Between two looks nobody knows whether the queue was empty: a connection that is handed out tells.
  pool.on("acquire", note);
  return () => {
    note();
    return {
      max: pool.options.max,
      used: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      waiting_s: since_ms === undefined ? 0 : (performance.now() - since_ms) / 1_000,
    };
  };
}
