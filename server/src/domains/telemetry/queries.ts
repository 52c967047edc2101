import { query, type Tx } from "#kernel/db.ts";

/** A row of telemetry.lineage: one call, whole. */
export interface Lineage {
  readonly id: string;
  readonly request_id: string;
  readonly operation: string;
  readonly actor: string;
  readonly outcome: "done" | "refused" | "read";
  readonly code: string | null;
  readonly subject_type: string | null;
  readonly subject_id: string | null;
  readonly created_at: Date;
  readonly asked_by: string | null;
  readonly decision: "allow" | "deny" | null;
  readonly principal: string | null;
  readonly action: string | null;
  readonly resource_type: string | null;
  readonly resource_id: string | null;
  readonly context: string | null;
  readonly policy_reasons: string[] | null;
  readonly policy_errors: string[] | null;
  readonly policy_version: number | null;
  readonly trace_hash: string | null;
  readonly trace: TraceStep[] | null;
  readonly score: string | null;
  readonly level: string | null;
  readonly score_reasons: string[] | null;
  readonly features: string | null;
  readonly score_max: string | null;
  readonly model: string | null;
  readonly model_version: number | null;
  readonly entry_id: string | null;
  readonly entry_index: number | null;
  readonly payload: string | null;
  /** The call that erased the payload, and with it the decision and the score. */
  readonly erased_by: string | null;
  /** The entry and its payload are in an archive. */
  readonly is_archived: boolean;
}

export interface TraceStep {
  readonly policy_id: string;
  readonly effect: string;
  readonly outcome: string;
  readonly principal: boolean;
  readonly resource: boolean;
  readonly conditions: readonly {
    readonly kind: string;
    readonly clause: string;
    readonly holds: boolean | "error";
  }[];
}

const CALLS_MAX = 100;

/** Every call that an id belongs to: one for most ids, several for a request of many, none for another project's. */
export const readLineage = (tx: Tx, id: string): Promise<Lineage[]> =>
  query(
    tx,
    // An array, and no subquery: a function's rows are guessed to be a thousand, for which the whole log would be read.
    `select * from telemetry.lineage where tenant_id = (select ops.tenant())
       and id = any (array(select telemetry.calls_of($1))) order by id limit ${CALLS_MAX}`,
    [id],
  );

/** How many calls with ids from `from` on and below `before` were erased. */
export async function countErased(
  tx: Tx,
  { from, before }: { from: string; before: string },
): Promise<number> {
  const [row] = await query<{ calls: number }>(
    tx,
    `select count(distinct x.entry_id)::int as calls from ledger.erasures x
     where x.tenant_id = (select ops.tenant()) and x.entry_id >= $1 and x.entry_id < $2
       and exists (select from telemetry.event_links l where l.tenant_id = x.tenant_id and l.decision_id = x.entry_id)`,
    [from, before],
  );
  return row!.calls;
}

/** Calls with an entry whose id `condition`, SQL about an id, is true of. The lowest first. */
export const readSealedCalls = async (
  tx: Tx,
  condition: (id: string) => string,
  limit: number,
): Promise<string[]> =>
  (
    await query<{ id: string }>(
      tx,
      `select l.decision_id as id from telemetry.event_links l
       where l.tenant_id = (select ops.tenant()) and (l.entry_id is not null or l.outcome <> 'read')
         and ${condition("coalesce(l.entry_id, l.decision_id)")} order by 1 limit $1`,
      [limit],
    )
  ).map(({ id }) => id);

/** A security event as it is stored. */
export interface StoredEvent {
  readonly id: string;
  readonly kind: string;
  readonly severity: string;
  readonly actor: string;
  readonly requestId: string;
  readonly decisionId: string | null;
  readonly factsText: string;
  readonly createdAt: Date;
}

/** The events of these ids that are there. */
export async function readEvents(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredEvent>> {
  const rows = await query<StoredEvent>(
    tx,
    `select id, kind, severity, actor, request_id as "requestId", decision_id as "decisionId", facts as "factsText",
       created_at as "createdAt"
     from telemetry.security_events where tenant_id = (select ops.tenant()) and id = any($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Events whose id `condition`, SQL about an id, is true of. The lowest first. */
export const readEventIds = async (
  tx: Tx,
  condition: (id: string) => string,
  limit: number,
): Promise<string[]> =>
  (
    await query<{ id: string }>(
      tx,
      `select v.id from telemetry.security_events v
       where v.tenant_id = (select ops.tenant()) and ${condition("v.id")} order by 1 limit $1`,
      [limit],
    )
  ).map(({ id }) => id);
