import { type Append, appendTable, rowOf } from "#kernel/append.ts";
import { timestamp } from "#kernel/clock.ts";
import { query, type Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import type { Score } from "#pipeline";
import { parseJson } from "#verifier";
import type { Features } from "./features.ts";
import { documentOf, type Model } from "./model.ts";

/** Id of a model's version; the first server that runs a new one stores it. */
export const ensureModel = (tx: Tx, model: Model): Promise<string> =>
  ensureModelVersion(tx, { ...model, ...documentOf(model) });

/** The same for any model whose document is given as text, with its SHA-256. */
export async function ensureModelVersion(
  tx: Tx,
  { name, number, text, hash }: { name: string; number: number; text: string; hash: Uint8Array },
): Promise<string> {
  await query(
    tx,
    "insert into vedic.model_versions (id, name, number, document, document_hash) values ($1, $2, $3, $4, $5) on conflict do nothing",
    [newId(), name, number, text, hash],
  );
  const [row] = await query<{ id: string }>(
    tx,
    "select id from vedic.model_versions where document_hash = $1",
    [hash],
  );
  if (row === undefined)
    throw new Error(`model ${name} ${number} is stored with other weights: raise its number`);
  return row.id;
}

export interface StoredScore {
  readonly id: string;
  readonly value: number;
  readonly level: string;
  readonly reasons: readonly string[];
  /** Null when what is stored cannot be read. */
  readonly features: Features | null;
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
  const read = new Map([...models].map(([id, document]) => [id, parseJson(document) as Model]));
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        value: Number(row.score),
        level: row.level,
        reasons: row.reasons,
        features: storedFeatures(row.features),
        featuresText: row.features,
        scoreMax: Number(row.score_max),
        refused: row.refused,
        model: read.get(row.model_version_id)!,
        modelVersionId: row.model_version_id,
      },
    ]),
  );
}

/** Null when they are no JSON object: somebody edited them. */
function storedFeatures(text: string): Features | null {
  try {
    const value: unknown = parseJson(text);
    return typeof value === "object" ? (value as Features | null) : null;
  } catch {
    return null;
  }
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

/** What is stored of a payment; a part is null when its row is not there. */
export interface StoredPayment {
  readonly id: string;
  /** In the shape of the operation's input: what was not given is not there. */
  readonly input: object | null;
  readonly createdAt: string | null;
  /** What was seen in it, as a score's features are sealed. */
  readonly features: object | null;
}

/** An instant as the input has it, in UTC with milliseconds; microseconds show only when somebody put some. */
const instantOf = (column: string) =>
  `case when isfinite(${column}) then regexp_replace(to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '000$', '') || 'Z'
     else ${column}::text end`;

/** Read as JSON, an amount beyond 2^53 is another number than the one that was given, and does not fail the read. */
const CENTS = [
  "amount_cents",
  "origin_before_cents",
  "origin_after_cents",
  "destination_before_cents",
  "destination_after_cents",
] as const;

export async function readPayments(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, StoredPayment>> {
  const rows = await query<StoredPayment>(
    tx,
    `with given as (select * from vedic.transactions where tenant_id = (select ops.tenant()) and id = any($1::uuid[])),
       seen as (select * from vedic.transaction_features where tenant_id = (select ops.tenant()) and transaction_id = any($1::uuid[]))
     select coalesce(t.id, f.transaction_id) as id, ${instantOf("t.created_at")} as "createdAt",
       case when t.id is not null then json_strip_nulls(json_build_object('external_id', t.external_id, 'type', t.type,
         'origin_account', t.origin_account, 'destination_account', t.destination_account,
         'occurred_at', ${instantOf("t.occurred_at")}, ${CENTS.map((name) => `'${name}', t.${name}`).join(", ")})) end as input,
       case when f.transaction_id is not null then json_build_object('type', f.type, 'amount_cents', f.amount_cents,
         'digital_root', f.digital_root, 'is_round_amount', f.is_round_amount, 'drain_ratio', f.drain_ratio,
         'is_overdrawn', f.is_overdrawn, 'amount_bucket', f.amount_bucket) end as features
     from given t full join seen f on f.transaction_id = t.id`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** SQL that is true or false of an id, which is an expression with its table's name. */
type Condition = (id: string) => string;

/** Ids of scores that a condition is true of, the lowest first. */
export const readScoreIds = (tx: Tx, condition: Condition, limit: number): Promise<string[]> =>
  readIds(tx, "select r.id from vedic.fraud_scores r", condition("r.id"), limit);

/** Ids of payments, and of what was seen in one, that a condition is true of. */
export async function readPaymentIds(
  tx: Tx,
  condition: Condition,
  limit: number,
): Promise<string[]> {
  const [given, seen] = await Promise.all([
    readIds(tx, "select r.id from vedic.transactions r", condition("r.id"), limit),
    readIds(
      tx,
      "select r.transaction_id as id from vedic.transaction_features r",
      condition("r.transaction_id"),
      limit,
    ),
  ]);
  return [...new Set([...given, ...seen])].slice(0, limit);
}

const readIds = async (
  tx: Tx,
  select: string,
  condition: string,
  limit: number,
): Promise<string[]> =>
  (
    await query<{ id: string }>(
      tx,
      `${select} where r.tenant_id = (select ops.tenant()) and ${condition} order by 1 limit $1`,
      [limit],
    )
  ).map(({ id }) => id);

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
