import { newId } from "#kernel/ids.ts";
import { Refusal } from "#kernel/refusal.ts";
import { type Parts, sealEvent } from "#pipeline";
import { type Quarantined, quarantineVersion } from "./queries.ts";
import type { Alarm } from "./sampler.ts";

type Writers = Pick<
  Parts,
  "db" | "clock" | "ledger" | "telemetry" | "revision" | "raiseRevision" | "log"
>;

/**
 * Takes a version out of use, with a critical event that is sealed in the same transaction. The raised revision tells all
 * servers, and calls that were decided by it and are not done yet are decided again. Once: who comes later changes nothing.
 */
export async function quarantine(parts: Writers, alarm: Alarm): Promise<void> {
  const { sample, because, facts } = alarm;
  const { tenantId, decisionId, versionId, decision } = sample;
  await parts.ledger.ready(tenantId);
  const found = await parts.db.transaction({ role: "writer", tenantId }, async (tx) => {
    const version = await quarantineVersion(tx, versionId, because);
    if (version === undefined) return undefined;
    await parts.raiseRevision(tx, tenantId);
    const id = newId();
    await sealEvent(tx, parts, tenantId, {
      id,
      requestId: id,
      decisionId: null,
      time_ms: parts.clock(),
      kind: `policy_oracle_${because}`,
      severity: "critical",
      actor: "Sealbase:server",
      facts: {
        ...version,
        policy_version_id: versionId,
        decision_id: decisionId,
        decided: decision.outcome,
        decided_reasons: decision.reasons,
        decided_errors: decision.errors,
        ...facts,
      },
    });
    return version;
  });
  if (found === undefined) return;
  parts.ledger.wake(tenantId);
  parts.log.error({ because, version: versionId, ...found }, "a policy version is quarantined");
}

/** What everything is answered with that a quarantined version would decide. */
export const versionQuarantined = ({ set, number }: Quarantined, id: string) =>
  new Refusal(
    "policy/version_quarantined",
    503,
    "The active policies are out of use: two engines did not decide alike by them",
    { set, number, policy_version_id: id },
    `Let an administrator activate another version: POST /v1/policies/${set}/versions/{number}/activate. The event policy_oracle_… says what was found.`,
  );

/** It is never activated again; the same policies as a new version are, once an engine has changed. */
export const quarantinedStays = (set: string, number: number) =>
  new Refusal(
    "action/version_quarantined",
    409,
    "This version is out of use: two engines did not decide alike by it",
    { set, number },
    "Activate another version, or write its policies otherwise as a new one.",
  );
