import { type Append, appendTable, rowOf } from "#kernel/append.ts";
import { timestamp } from "#kernel/clock.ts";
import { query, type Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import type { Score } from "#pipeline";
import type { Features } from "./features.ts";
import { documentOf, type Model } from "./model.ts";

/** Id of a model's version; the first server that runs a new one stores it. */
export async function ensureModel(tx: Tx, model: Model): Promise<string> {
  const { text, hash } = documentOf(model);
  await query(
    tx,
    "insert into vedic.model_versions (id, name, number, document, document_hash) values ($1, $2, $3, $4, $5) on conflict do nothing",
    [newId(), model.name, model.number, text, hash],
  );
  const [row] = await query<{ id: string }>(
    tx,
    "select id from vedic.model_versions where document_hash = $1",
    [hash],
  );
  if (row === undefined)
    throw new Error(
      `model ${model.name} ${model.number} is stored with other weights: raise its number`,
    );
  return row.id;
}

export interface StoredScore {
  readonly id: string;
  readonly value: number;
  readonly level: string;
  readonly reasons: readonly string[];
  readonly features: Features;
  /** As stored: canonical JSON. */
  readonly featuresText: string;
  readonly scoreMax: number;
  readonly refused: boolean;
  readonly model: Model;
  readonly modelVersionId: string;
}

export async function readScores(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, StoredScore>> {
  const rows = await query<{
    id: string;
    score: string;
    level: string;
    reasons: string[];
    features: string;
    score_max: string;
    refused: boolean;
    document: string;
    model_version_id: string;
  }>(
    tx,
    "select s.id, s.score, s.level, s.reasons, s.features, s.score_max, s.refused, s.model_version_id, m.document " +
      "from vedic.fraud_scores s join vedic.model_versions m on m.id = s.model_version_id " +
      "where s.tenant_id = (select ops.tenant()) and s.id = any($1::uuid[])",
    [ids],
  );
  // Every row brings the same few documents.
  const models = new Map(rows.map((row) => [row.model_version_id, row.document]));
  const read = new Map([...models].map(([id, document]) => [id, JSON.parse(document) as Model]));
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        value: Number(row.score),
        level: row.level,
        reasons: row.reasons,
        features: JSON.parse(row.features) as Features,
        featuresText: row.features,
        scoreMax: Number(row.score_max),
        refused: row.refused,
        model: read.get(row.model_version_id)!,
        modelVersionId: row.model_version_id,
      },
    ]),
  );
}

const SCORES = appendTable("vedic.fraud_scores", {
  id: "uuid",
  model_version_id: "uuid",
  score: "numeric",
  level: "text",
  reasons: "text[]",
  features: "text",
  score_max: "numeric",
  refused: "bool",
  created_at: "timestamptz",
});

export const scoreRow = (
  score: Score,
  featuresText: string,
  of: { id: string; scoreMax: number; refused: boolean; time_ms: number },
): Append =>
  rowOf(SCORES, {
    id: of.id,
    model_version_id: score.modelVersionId,
    score: score.value,
    level: score.level,
    reasons: score.reasons,
    features: featuresText,
    score_max: of.scoreMax,
    refused: of.refused,
    created_at: timestamp(of.time_ms),
  });

export interface Payment {
  readonly external_id?: string | undefined;
  readonly type: string;
  readonly amount_cents: number;
  readonly origin_account: string;
  readonly origin_before_cents?: number | undefined;
  readonly origin_after_cents?: number | undefined;
  readonly destination_account: string;
  readonly destination_before_cents?: number | undefined;
  readonly destination_after_cents?: number | undefined;
  readonly occurred_at?: string | undefined;
}

const TRANSACTIONS = appendTable("vedic.transactions", {
  id: "uuid",
  external_id: "text",
  type: "text",
  amount_cents: "int8",
  origin_account: "text",
  origin_before_cents: "int8",
  origin_after_cents: "int8",
  destination_account: "text",
  destination_before_cents: "int8",
  destination_after_cents: "int8",
  occurred_at: "timestamptz",
  created_at: "timestamptz",
});

const FEATURES = appendTable("vedic.transaction_features", {
  transaction_id: "uuid",
  amount_cents: "int8",
  digital_root: "int2",
  is_round_amount: "bool",
  drain_ratio: "numeric",
  is_overdrawn: "bool",
  amount_bucket: "text",
  type: "text",
});

export const paymentRows = (
  id: string,
  payment: Payment,
  features: Features,
  time_ms: number,
): Append[] => [
  rowOf(TRANSACTIONS, {
    id,
    external_id: payment.external_id ?? null,
    type: payment.type,
    amount_cents: payment.amount_cents,
    origin_account: payment.origin_account,
    origin_before_cents: payment.origin_before_cents ?? null,
    origin_after_cents: payment.origin_after_cents ?? null,
    destination_account: payment.destination_account,
    destination_before_cents: payment.destination_before_cents ?? null,
    destination_after_cents: payment.destination_after_cents ?? null,
    occurred_at: payment.occurred_at ?? null,
    created_at: timestamp(time_ms),
  }),
  rowOf(FEATURES, { transaction_id: id, ...features }),
];
