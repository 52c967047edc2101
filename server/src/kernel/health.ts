import type { Backlog, Connections, State } from "./metrics-state.ts";

/** Whether calls should come here: all of them, most of them, or none. */
export type Condition = "ok" | "degraded" | "down";

export interface Dependency {
  readonly name: string;
  readonly state: Condition;
  readonly reason?: string;
}

export interface HealthReport {
  readonly state: Condition;
  readonly dependencies: readonly Dependency[];
  /** What is wrong, one line each; empty when all is well. */
  readonly reasons: readonly string[];
}

export const POOL_WAIT_MAX_S = 5;
export const BACKLOG_ENTRIES_MAX = 20_000;
export const BACKLOG_LAG_MAX_S = 30;

/** Only the engine takes the server down: without it nothing can be answered. Whatever else is wrong, most calls succeed. */
export function healthOf({ engineError, connections, refusedLogs, backlog }: State): HealthReport {
  const dependencies = [
    dependency("engine", "down", engineError),
    dependency("pool", "degraded", poolTrouble(connections)),
    dependency("sequencer", "degraded", backlogTrouble(backlog)),
    ...refusedLogs.map(({ log, reason }) => dependency(log, "degraded", reason)),
  ];
  const reasons = dependencies.flatMap(({ name, reason }) =>
    reason === undefined ? [] : `${name}: ${reason}`,
  );
  const troubled = reasons.length > 0 ? "degraded" : "ok";
  return { state: engineError === undefined ? troubled : "down", dependencies, reasons };
}

const dependency = (name: string, otherwise: Condition, reason: string | undefined): Dependency =>
  reason === undefined ? { name, state: "ok" } : { name, state: otherwise, reason };

const poolTrouble = ({ waiting, waiting_s, max }: Connections): string | undefined =>
  waiting_s > POOL_WAIT_MAX_S
    ? `all ${max} connections are in use, and ${waiting} transactions wait (somebody for ${Math.floor(waiting_s)} s)`
    : undefined;

function backlogTrouble(backlog: Backlog | undefined): string | undefined {
  if (backlog === undefined) return undefined;
  if (backlog.entries > BACKLOG_ENTRIES_MAX)
    return `${backlog.entries} entries wait for a place (limit ${BACKLOG_ENTRIES_MAX})`;
  if (backlog.lag_s > BACKLOG_LAG_MAX_S)
    return `the oldest entry without a checkpoint is ${Math.floor(backlog.lag_s)} s old (limit ${BACKLOG_LAG_MAX_S})`;
  return undefined;
}
