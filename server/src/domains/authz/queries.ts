import { type Append, appendTable, rowOf, sharedTable } from "#kernel/append.ts";
import { timestamp } from "#kernel/clock.ts";
import { query, type Tx } from "#kernel/db.ts";
import type { Decision, DecisionOf, Question } from "#pipeline";
import { ENGINE } from "./engine/index.ts";
import { actionText } from "./question.ts";
import type { StoredStep, Trace } from "./trace.ts";

/** As it is stored with versions. */
export const ENGINE_TEXT = `${ENGINE.name} ${ENGINE.version}`;

const DECISIONS = appendTable("authz.policy_decisions", {
  id: "uuid",
  asked_by: "uuid",
  request_id: "text",
  operation: "text",
  principal: "text",
  action: "text",
  resource_type: "text",
  resource_id: "text",
  context: "text",
  outcome: "text",
  policy_version_id: "uuid",
  engine: "text",
  entity_slice_hash: "bytea",
  reasons: "text[]",
  errors: "text[]",
  trace_hash: "bytea",
  created_at: "timestamptz",
});

const STEPS = appendTable("authz.policy_decision_trace_steps", {
  decision_id: "uuid",
  number: "int4",
  policy_id: "text",
  effect: "text",
  outcome: "text",
  principal_matches: "bool",
  resource_matches: "bool",
  conditions: "text",
});

const SLICES = sharedTable("authz.entity_slices", { hash: "bytea", slice: "text" });

export function decisionRows(
  decision: Decision,
  made: {
    readonly steps: readonly StoredStep[];
    readonly slice: { readonly text: string; readonly hash: string };
    readonly context: string;
    /** Name and version. */
    readonly engine: string;
  },
  question: Question,
  about: DecisionOf,
): Append[] {
  const { steps, slice, context, engine } = made;
  const sliceHash = Buffer.from(slice.hash, "hex");
  return [
    rowOf(SLICES, { hash: sliceHash, slice: slice.text }),
    rowOf(DECISIONS, {
      id: about.id,
      asked_by: about.askedBy,
      request_id: about.requestId,
      operation: about.operation,
      principal: `${question.principal.type}:${question.principal.id}`,
      action: actionText(question.action),
      resource_type: question.resource.type,
      resource_id: question.resource.id,
      context,
      outcome: decision.outcome,
      policy_version_id: decision.versionId,
      engine,
      entity_slice_hash: sliceHash,
      reasons: decision.reasons,
      errors: decision.errors,
      trace_hash: Buffer.from(decision.traceHash, "hex"),
      created_at: timestamp(about.time_ms),
    }),
    ...steps.map(({ policy_id, effect, outcome, principal, resource, conditions }, number) =>
      rowOf(STEPS, {
        decision_id: about.id,
        number,
        policy_id,
        effect,
        outcome,
        principal_matches: principal,
        resource_matches: resource,
        conditions,
      }),
    ),
  ];
}

export interface StoredVersion {
  readonly id: string;
  readonly number: number;
  readonly status: string;
  readonly document: string;
  /** SHA-256 of the document, hex. */
  readonly hash: string;
  /** SHA-256 of the schema, hex; null when it was stored before versions had any. */
  readonly schemaHash: string | null;
  readonly engine: string;
  readonly createdAt: Date;
  /** Null: it may decide. */
  readonly quarantinedAt: Date | null;
}

export const VERSION = `v.id, v.number, v.status, v.document, encode(v.document_hash, 'hex') as hash, encode(v.schema_hash, 'hex') as "schemaHash", v.engine, v.created_at as "createdAt", v.quarantined_at as "quarantinedAt"`;

export async function readActiveVersion(tx: Tx, set: string): Promise<StoredVersion | undefined> {
  const [row] = await query<StoredVersion>(
    tx,
    `select ${VERSION} from authz.policy_versions v join authz.policy_sets s on s.tenant_id = v.tenant_id and s.id = v.policy_set_id
     where v.tenant_id = (select ops.tenant()) and v.status = 'active' and s.name = $1`,
    [set],
  );
  return row;
}

export interface StoredDecision {
  readonly id: string;
  readonly asked_by: string | null;
  readonly request_id: string;
  readonly operation: string;
  readonly principal: string;
  readonly action: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly context: string;
  readonly outcome: "allow" | "deny";
  readonly policy_version_id: string | null;
  readonly reasons: string[];
  readonly errors: string[];
  readonly trace_hash: string;
  readonly created_at: Date;
}

const DECISION = `d.id, d.asked_by, d.request_id, d.operation, d.principal, d.action, d.resource_type, d.resource_id, d.context,
  d.outcome, d.policy_version_id, d.reasons, d.errors, encode(d.trace_hash, 'hex') as trace_hash, d.created_at`;

export async function readDecisions(
  tx: Tx,
  filter: {
    limit: number;
    before?: string | undefined;
    outcome?: string | undefined;
    action?: string | undefined;
  },
): Promise<StoredDecision[]> {
  return query(
    tx,
    `select ${DECISION} from authz.policy_decisions d
     where d.tenant_id = (select ops.tenant()) and d.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       and ($3::text is null or d.outcome = $3) and ($4::text is null or d.action = $4)
     order by d.id desc limit $1`,
    [filter.limit, filter.before ?? null, filter.outcome ?? null, filter.action ?? null],
  );
}

export async function readDecisionsById(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, StoredDecision>> {
  const rows = await query<StoredDecision>(
    tx,
    `select ${DECISION} from authz.policy_decisions d where d.tenant_id = (select ops.tenant()) and d.id = any($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** What a trace hash is made of, and the one that was stored. */
export interface StoredTrace extends Omit<Trace, "resource" | "engine" | "steps"> {
  readonly id: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly policy_version_id: string | null;
  /** Name and version of the evaluator. */
  readonly engine: string;
  readonly trace_hash: string;
  readonly steps: readonly StoredStep[];
}

/** The hashes of slice and policies are those of their stored texts, recomputed, not the ones beside them. */
export async function readStoredTraces(tx: Tx, ids: readonly string[]): Promise<StoredTrace[]> {
  const [decisions, steps] = await Promise.all([
    query<Omit<StoredTrace, "steps">>(
      tx,
      `with versions as materialized (
         select v.id, encode(sha256(convert_to(v.document, 'UTF8')), 'hex') as hash,
           encode(sha256(convert_to(s.schema, 'UTF8')), 'hex') as schema_hash
         from authz.policy_versions v left join authz.policy_schemas s on s.tenant_id = v.tenant_id and s.hash = v.schema_hash
         where v.tenant_id = (select ops.tenant()) and v.id in (
           select policy_version_id from authz.policy_decisions where tenant_id = (select ops.tenant()) and id = any($1::uuid[]))),
       decisions as materialized (
         select * from authz.policy_decisions where tenant_id = (select ops.tenant()) and id = any($1::uuid[])),
       slices as materialized (
         select hash, encode(sha256(convert_to(slice, 'UTF8')), 'hex') as recomputed from authz.entity_slices
         where tenant_id = (select ops.tenant()) and hash in (select entity_slice_hash from decisions))
       select d.id, d.principal, d.action, d.resource_type, d.resource_id, d.context, d.outcome, d.reasons, d.errors,
         d.policy_version_id, encode(d.trace_hash, 'hex') as trace_hash, coalesce(s.recomputed, '') as "sliceHash",
         v.hash as "versionHash", v.schema_hash as "schemaHash", d.engine
       from decisions d left join versions v on v.id = d.policy_version_id left join slices s on s.hash = d.entity_slice_hash`,
      [ids],
    ),
    query<StoredStep & { decision_id: string }>(
      tx,
      `select decision_id, policy_id, effect, outcome, principal_matches as principal, resource_matches as resource, conditions
       from authz.policy_decision_trace_steps where tenant_id = (select ops.tenant()) and decision_id = any($1::uuid[])
       order by decision_id, number`,
      [ids],
    ),
  ]);
  const byDecision = new Map<string, StoredStep[]>(decisions.map(({ id }) => [id, []]));
  for (const step of steps) byDecision.get(step.decision_id)?.push(step);
  return decisions.map((decision) => ({ ...decision, steps: byDecision.get(decision.id)! }));
}
