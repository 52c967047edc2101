import type { StoredDecision } from "#domains/authz";
import { rate, type StoredScore } from "#domains/risk";
import { canonicalJson, type Entry } from "#verifier";

/** What the payload of an entry says about the rows that were written with it. */
export interface SealedPayload {
  readonly decision?: SealedDecision;
  readonly score?: SealedScore | null;
  /** Of an entry that seals reads: their decisions, and the digest of their traces. */
  readonly decisions?: readonly string[];
  readonly digest?: string;
}

interface SealedDecision {
  readonly outcome: string;
  readonly reasons: readonly string[];
  readonly resource: { readonly type: string; readonly id: string };
  readonly trace_hash: string;
  readonly policy_version_id: string | null;
}

interface SealedScore {
  readonly value: number;
  readonly level: string;
  readonly reasons: readonly string[];
  readonly features: object;
  readonly model_version_id: string;
}

/** Whether the decision's row is the one that was sealed, by the same principal, about the same thing. */
export function isSameDecision(
  { actor, action }: Entry,
  sealed: SealedDecision,
  row: StoredDecision | undefined,
): boolean {
  if (row === undefined) return false;
  const { outcome, reasons, resource, trace_hash, policy_version_id } = sealed;
  const { resource_type, resource_id } = row;
  return same(
    { actor, action, outcome, reasons, resource, trace_hash, policy_version_id },
    {
      actor: row.principal,
      action: row.action,
      outcome: row.outcome,
      reasons: row.reasons,
      resource: { type: resource_type, id: resource_id },
      trace_hash: row.trace_hash,
      policy_version_id: row.policy_version_id,
    },
  );
}

/** Whether the score's row is the one that was sealed. */
export function isSameScore(sealed: SealedScore, row: StoredScore | undefined): boolean {
  if (row === undefined) return false;
  const { value, level, reasons, features, model_version_id } = sealed;
  return same(
    { value, level, reasons, features, model_version_id },
    {
      value: row.value,
      level: row.level,
      reasons: row.reasons,
      features: row.features,
      model_version_id: row.modelVersionId,
    },
  );
}

/** Whether the stored features give the stored score under the stored weights. */
export const isRatedSo = (row: StoredScore): boolean =>
  rate(row.model, row.features).value === row.value;

const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);
