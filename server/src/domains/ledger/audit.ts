import type { Handler } from "#domains/ops";
import type { Db } from "#kernel/db.ts";
import type { Ledger } from "#pipeline";
import { verifyLog } from "./verify/verify.ts";

/** The topic of jobs that recompute a whole log; one at a time in a project. */
export const AUDIT = "ledger.audit";

/** The job `ledger.audit`: recomputes the project's log, says how far it is, and tells those who watch when it does not hold. */
export const audit =
  (db: Db, { cosigners, exchangedKey }: Pick<Ledger, "cosigners" | "exchangedKey">): Handler =>
  async ({ tenantId, signal, progress }) => {
    const scope = { role: "reader", tenantId } as const;
    const exchanged = await exchangedKey(tenantId);
    const report = await db.transaction(
      scope,
      (tx) =>
        verifyLog(tx, {
          cosigners,
          exchangedKey: exchanged,
          progress: (done, total) => progress(total === 0 ? 1 : done / total),
        }),
      signal,
    );
    if (report.valid) return { result: report };
    const findings = report.findings.map(({ kind, at }) => ({ kind, at }));
    const facts = { log: report.log, findings, more_findings: report.more_findings };
    return { result: report, event: { kind: "log_invalid", severity: "critical", facts } };
  };
