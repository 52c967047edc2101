import type { Refusal } from "#kernel/refusal.ts";
import type { Chain } from "./chain.ts";
import type { Writing } from "./commit.ts";
import { claimOf } from "./idempotency.ts";
import type { Recorded } from "./operation.ts";
import type { Parts } from "./parts.ts";

/** Step 5 of a call that was done: its record, and its answer for whoever asks again. */
export async function sealDone(
  parts: Parts,
  chain: Chain,
  { output, subject }: Recorded<unknown>,
): Promise<Writing> {
  const kept = withoutSecrets(output, chain.operation.secrets);
  await addEntry(parts, chain, "done", { status: "done", output: kept }, null, subject ?? null);
  return writingOf(chain, claimOf(chain, chain.operation.status ?? 200, JSON.stringify(kept)));
}

/** Step 5 of a call that was refused: the same record, nothing under its key, and an event for those who watch. */
export async function sealRefused(parts: Parts, chain: Chain, refusal: Refusal): Promise<Writing> {
  const { code, facts } = refusal;
  await addEntry(parts, chain, "refused", { status: "refused", code, facts }, code, null);
  const event = {
    id: chain.id,
    kind: code,
    severity: "warning",
    actor: actorOf(chain),
    requestId: chain.requestId,
    decisionId: chain.id,
    facts,
    time_ms: chain.time_ms,
  } as const;
  chain.rows.push(...parts.telemetry.eventRows(event));
  return writingOf(chain, undefined);
}

/** A read leaves its decision and its link; many of them are sealed under one digest a minute. */
export function linkRead(parts: Parts, chain: Chain, code: string | null): Writing {
  chain.rows.push(
    ...parts.telemetry.linkRows({
      ...linkOf(chain),
      outcome: "read",
      code,
      subject: null,
      entryId: null,
    }),
  );
  return writingOf(chain, undefined);
}

export const actorOf = (chain: Chain): string => {
  const { type, id } = chain.request.principal;
  return `${type}:${id}`;
};

async function addEntry(
  parts: Parts,
  chain: Chain,
  outcome: "done" | "refused",
  result: Readonly<Record<string, unknown>>,
  code: string | null,
  subject: { type: string; id: string } | null,
): Promise<void> {
  const { tenantId } = chain.request.principal;
  chain.rows.push(
    ...parts.telemetry.linkRows({ ...linkOf(chain), outcome, code, subject, entryId: chain.id }),
  );
  const entry = {
    id: chain.id,
    time_ms: chain.time_ms,
    kind: outcome === "done" ? "call" : "refusal",
    actor: actorOf(chain),
    action: chain.operation.name,
    outcome,
    refs: {
      decision: chain.id,
      request: chain.requestId,
      ...(outcome === "done" && chain.approval ? { approval: chain.approval.id } : {}),
      ...(subject === null ? {} : { [subject.type]: subject.id }),
    },
    payload: payloadOf(chain, result),
  } as const;
  chain.rows.push(...(await parts.ledger.rows(tenantId, entry)));
}

/** What the entry stands for. Verification compares these values with the rows that hold them. */
function payloadOf(chain: Chain, outcome: Readonly<Record<string, unknown>>): unknown {
  const { decision, score, question, approval, operation } = chain;
  const { input: given } = chain.request;
  const input = operation.sealedInput?.(given) ?? given;
  return {
    request: { id: chain.requestId, operation: operation.name, input },
    decision: decision && {
      id: chain.id,
      outcome: decision.outcome,
      reasons: decision.reasons,
      resource: question!.resource,
      trace_hash: decision.traceHash,
      policy_version_id: decision.versionId,
    },
    score: score && {
      value: score.value,
      level: score.level,
      reasons: score.reasons,
      features: score.features,
      model_version_id: score.modelVersionId,
    },
    ...(approval === undefined
      ? {}
      : { approval: { id: approval.id, decided_by: approval.decidedBy } }),
    outcome,
  };
}

const linkOf = (chain: Chain) => ({
  decisionId: chain.id,
  requestId: chain.requestId,
  operation: chain.operation.name,
  actor: actorOf(chain),
  time_ms: chain.time_ms,
});

const writingOf = (chain: Chain, claim: Writing["claim"]): Writing => ({
  tenantId: chain.request.principal.tenantId,
  id: chain.id,
  rows: chain.rows,
  claim,
  revision: chain.request.principal.revision,
});

function withoutSecrets(output: unknown, secrets: readonly string[] | undefined): unknown {
  if (secrets === undefined) return output;
  return Object.fromEntries(
    Object.entries(output as object).filter(([name]) => !secrets.includes(name)),
  );
}
