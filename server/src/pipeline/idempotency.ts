import { createHash } from "node:crypto";
import type { StatementBuilder } from "#kernel/append.ts";
import { query, type Tx } from "#kernel/db.ts";
import { parseJson } from "#verifier";
import type { Chain } from "./chain.ts";
import { answerErased, idempotencyConflict } from "./refusals.ts";

/** The right to act under an Idempotency-Key, and the answer that later calls with it get. */
export interface Claim {
  readonly principal: string;
  readonly key: string;
  readonly requestHash: Uint8Array;
  readonly status: number;
  readonly answer: string;
  readonly expiresAt: string;
}

/** A stored answer. */
export interface Answer {
  readonly decisionId: string;
  readonly status: number;
  readonly output: unknown;
}

/** Status of an answer that was erased with what its call was about. */
const ERASED = 410;
const LIFETIME_MS = 24 * 60 * 60 * 1000;

const COLUMNS = {
  call: "int4",
  principal: "text",
  key: "text",
  request_hash: "bytea",
  decision_id: "uuid",
  status: "int2",
  answer: "text",
  expires_at: "timestamptz",
} as const;

export function claimOf(chain: Chain, status: number, answer: string): Claim | undefined {
  const key = chain.incoming.idempotencyKey;
  if (key === undefined || chain.operation.kind !== "write") return undefined;
  return {
    principal: chain.request.principal.id,
    key,
    requestHash: requestHash(chain),
    status,
    answer,
    expiresAt: new Date(chain.time_ms + LIFETIME_MS).toISOString(),
  };
}

const requestHash = (chain: Chain): Uint8Array =>
  createHash("sha256").update(`${chain.operation.name}\n${chain.request.canonicalInput}`).digest();

/**
 * Adds the claims of several calls to a statement, as its steps `claimed` and `lost`. A concurrent twin waits in the
 * unique index until the first commits; then it is in `lost`, and the caller leaves its rows out.
 */
export function addClaims(
  statement: StatementBuilder,
  tenant: string,
  claims: readonly (Claim & { call: number; decisionId: string })[],
): void {
  const rows = claims.map((claim) => ({
    call: claim.call,
    principal: claim.principal,
    key: claim.key,
    request_hash: claim.requestHash,
    decision_id: claim.decisionId,
    status: claim.status,
    answer: claim.answer,
    expires_at: claim.expiresAt,
  }));
  const { call: _, ...stored } = COLUMNS;
  const names = Object.keys(stored).join(", ");
  statement.parts.push(
    `claimed as (insert into ops.idempotency_keys as i (tenant_id, ${names}) select ${tenant}::uuid, ${names} ` +
      `from ${statement.rows(COLUMNS, rows)} on conflict (tenant_id, principal, key) do update set ` +
      `request_hash = excluded.request_hash, decision_id = excluded.decision_id, status = excluded.status, ` +
      `answer = excluded.answer, expires_at = excluded.expires_at where i.expires_at < now() ` +
      `returning decision_id)`,
    `lost as (select r."call" from ${statement.rows({ call: "int4", decision_id: "uuid" }, rows)} ` +
      `where r.decision_id not in (select decision_id from claimed))`,
  );
}

/** The answer stored under the call's key, for the same body; another body is refused. */
export async function readAnswer(tx: Tx, chain: Chain): Promise<Answer | undefined> {
  const { principal } = chain.request;
  const key = chain.incoming.idempotencyKey!;
  const [row] = await query<{
    request_hash: Buffer;
    decision_id: string;
    status: number;
    answer: string;
  }>(
    tx,
    "select request_hash, decision_id, status, answer from ops.idempotency_keys " +
      "where tenant_id = $1 and principal = $2 and key = $3 and expires_at >= now()",
    [principal.tenantId, principal.id, key],
  );
  if (row === undefined) return undefined;
  if (row.status === ERASED) throw answerErased(key, row.decision_id);
  if (!row.request_hash.equals(requestHash(chain))) throw idempotencyConflict(key);
  return { decisionId: row.decision_id, status: row.status, output: parseJson(row.answer) };
}
