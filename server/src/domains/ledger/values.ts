import type { Recomputed } from "#domains/authz";
import { ASSESSMENT, rate, type StoredPayment, type StoredScore } from "#domains/risk";
import { canonicalJson } from "#verifier";

/** What the payload of an entry says about the rows that were written with it. */
export interface SealedPayload {
  readonly decision?: SealedDecision;
  readonly score?: SealedScore | null;
  /** Of an entry that seals reads: their decisions, and the digest of their traces. */
  readonly decisions?: readonly string[];
  readonly digest?: string;
  readonly request?: { readonly id: string; readonly operation: string; readonly input: object };
  readonly outcome?: {
    readonly status: string;
    readonly output?: unknown;
    readonly code?: string;
    readonly facts?: object;
  };
  readonly event?: SealedEvent;
  readonly job?: SealedJob;
}

/** What someone was told, as its entry has it. */
export interface SealedEvent {
  readonly kind: string;
  readonly severity: string;
  readonly actor: string;
  readonly facts: object;
}

/** How a job ended. */
export interface SealedJob {
  readonly id: string;
  readonly topic: string;
  readonly status: string;
  readonly attempts: number;
  readonly error: string | null;
  readonly result: unknown;
}

interface SealedDecision {
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

/**
 * Whether everything that is stored of the decision is what was sealed: the trace hash that its rows give covers who asked,
 * what, about what, in which context, every step, and the policies that decided.
 */
export const isSameDecision = (sealed: SealedDecision, row: Recomputed | undefined): boolean =>
  row !== undefined &&
  row.recomputed === sealed.trace_hash &&
  row.stored === sealed.trace_hash &&
  row.policyVersionId === sealed.policy_version_id;

/** Whether the score's row is the one that was sealed. */
export function isSameScore(sealed: SealedScore, row: StoredScore | undefined): boolean {
  if (row === undefined) return false;
  return (
    sealed.value === row.value &&
    sealed.level === row.level &&
    sealed.model_version_id === row.modelVersionId &&
    canonicalJson(sealed.reasons) === canonicalJson(row.reasons) &&
    canonicalJson(sealed.features) === row.featuresText
  );
}

/** Whether the stored features give the stored score under the stored weights. */
export const isRatedSo = (row: StoredScore): boolean =>
  row.features !== null && rate(row.model, row.features).value === row.value;

/** Whether what was done is there as it was sealed: a payment as it was given and seen, and none where none was recorded. */
export function isSameSubject(
  { request, outcome, score }: SealedPayload,
  time: string,
  row: StoredPayment | undefined,
): boolean {
  if (request?.operation !== ASSESSMENT || outcome?.status !== "done") return row === undefined;
  return (
    row !== undefined &&
    row.createdAt === time &&
    canonicalJson(request.input) === canonicalJson(row.input) &&
    canonicalJson(score?.features ?? null) === canonicalJson(row.features)
  );
}
