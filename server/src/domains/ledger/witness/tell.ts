import { newId } from "#kernel/ids.ts";
import type { Refusal } from "#kernel/refusal.ts";
import { type Parts, recordEvent } from "#pipeline";

const BY_WITNESSES: ReadonlySet<string> = new Set([
  "seal/log_behind_witness",
  "seal/log_disagrees_with_witness",
]);

/**
 * Leaves a security event in the project whose log a witness has seen otherwise. Its entry waits for a place like any: nothing
 * of this log is placed before an operator has acted.
 */
export function tellOfRefusal(parts: Parts, tenantId: string, { code, facts }: Refusal): void {
  if (!BY_WITNESSES.has(code)) return;
  const id = newId();
  const event = {
    id,
    kind: "log_refused_by_witness",
    severity: "critical",
    actor: "Sealbase:server",
    requestId: id,
    decisionId: null,
    facts: { code, ...facts },
    time_ms: parts.clock(),
  } as const;
  recordEvent(parts, parts.committer, tenantId, event).catch((error) =>
    parts.log.error({ err: error, code }, "the event about a refused log could not be recorded"),
  );
}
