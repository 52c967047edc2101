import type { Lock } from "./locks.ts";

export type CheckReport = {
  /** Why `migrateUp` would refuse as things are. */
  refusals: string[];
  pending: {
    number: number;
    name: string;
    breaking: boolean;
    transaction: boolean;
    lock_timeout_ms: number;
    locks: Lock[];
    /** Tables whose rows the way back would destroy. */
    downLoses: string[];
  }[];
  routines: string[];
};

/** The preflight as an operator reads it, one line a fact. */
export function describeCheck(report: CheckReport): string {
  const lines = report.refusals.map((refusal) => `refused   ${refusal}`);
  for (const one of report.pending) {
    const marks = [one.breaking && "breaking", !one.transaction && "no transaction"].filter(
      Boolean,
    );
    const note = marks.length > 0 ? `  [${marks.join(", ")}]` : "";
    lines.push(`migration ${String(one.number).padStart(4, "0")}_${one.name}${note}`);
    for (const { table, lock } of one.locks) {
      lines.push(
        `  locks   ${table}  ${lock}, waiting at most ${one.lock_timeout_ms} ms at a time`,
      );
    }
    if (one.downLoses.length > 0)
      lines.push(`  its way back loses the rows of ${one.downLoses.join(", ")}`);
  }
  for (const path of report.routines) lines.push(`routine   ${path}`);
  return `${lines.length > 0 ? lines.join("\n") : "nothing to do"}\n`;
}
