import { query, type Tx } from "#kernel/db.ts";

export interface StoredSession {
  readonly id: string;
  readonly serviceAccountId: string;
  readonly name: string;
  readonly writes: string[];
  readonly callsMax: number;
  readonly callsUsed: number;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly createdBy: string;
  readonly createdAt: Date;
}

const SESSION = `a.id, a.service_account_id as "serviceAccountId", a.name, a.writes, a.calls_max as "callsMax",
  a.calls_used as "callsUsed", a.expires_at as "expiresAt", a.ended_at as "endedAt", a.created_by as "createdBy",
  a.created_at as "createdAt"`;

export async function insertSession(
  tx: Tx,
  tenantId: string,
  session: {
    id: string;
    serviceAccountId: string;
    name: string;
    prefix: string;
    hash: Buffer;
    apiKeyId: string;
    writes: string[];
    callsMax: number;
    expiresAt: Date;
    createdBy: string;
  },
): Promise<StoredSession> {
  const [row] = await query<StoredSession>(
    tx,
    `insert into control_plane.agent_sessions as a
       (tenant_id, id, service_account_id, name, prefix, key_hash, writes, calls_max, expires_at, created_by, api_key_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning ${SESSION}`,
    [
      tenantId,
      session.id,
      session.serviceAccountId,
      session.name,
      session.prefix,
      session.hash,
      session.writes,
      session.callsMax,
      session.expiresAt,
      session.createdBy,
      session.apiKeyId,
    ],
  );
  return row!;
}

export const readSessions = (
  tx: Tx,
  limit: number,
  before: string | undefined,
): Promise<StoredSession[]> =>
  query(
    tx,
    `select ${SESSION} from control_plane.agent_sessions a where a.tenant_id = (select ops.tenant())
       and a.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by a.id desc limit $1`,
    [limit, before ?? null],
  );

/** Ends a session; one that has ended stays as it is. */
export async function endSession(tx: Tx, id: string): Promise<StoredSession | undefined> {
  const [row] = await query<StoredSession>(
    tx,
    `update control_plane.agent_sessions a set ended_at = coalesce(a.ended_at, now())
     where a.tenant_id = (select ops.tenant()) and a.id = $1 returning ${SESSION}`,
    [id],
  );
  return row;
}

/** Ends what was made with an API key that is trusted no more. */
export async function endSessionsOf(tx: Tx, apiKeyId: string): Promise<void> {
  await query(
    tx,
    `update control_plane.agent_sessions set ended_at = now()
     where tenant_id = (select ops.tenant()) and api_key_id = $1 and ended_at is null`,
    [apiKeyId],
  );
}

/** Takes one call off the budget; false when none was left or the session has ended. */
export const spendCall = async (tx: Tx, sessionId: string): Promise<boolean> =>
  (
    await query(
      tx,
      `update control_plane.agent_sessions set calls_used = calls_used + 1
       where tenant_id = (select ops.tenant()) and id = $1 and calls_used < calls_max and ended_at is null
         and expires_at > now() returning id`,
      [sessionId],
    )
  ).length === 1;

export interface StoredApproval {
  readonly id: string;
  readonly agentSessionId: string;
  readonly operation: string;
  readonly input: string;
  readonly decisionId: string;
  readonly status: "waiting" | "granted" | "refused" | "used";
  readonly expiresAt: Date;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  readonly createdAt: Date;
}

const APPROVAL = `p.id, p.agent_session_id as "agentSessionId", p.operation, p.input, p.decision_id as "decisionId", p.status,
  p.expires_at as "expiresAt", p.decided_by as "decidedBy", p.reason, p.created_at as "createdAt"`;

export interface Asked {
  readonly id: string;
  readonly sessionId: string;
  readonly operation: string;
  readonly input: string;
  readonly inputHash: Uint8Array;
  readonly decisionId: string;
  readonly expiresAt: Date;
}

/** The granted approval of this very call. */
export async function findGranted(
  tx: Tx,
  asked: Asked,
): Promise<{ id: string; decidedBy: string } | undefined> {
  const [row] = await query<{ id: string; decidedBy: string }>(
    tx,
    `select id, decided_by as "decidedBy" from control_plane.approvals where tenant_id = (select ops.tenant())
       and agent_session_id = $1 and operation = $2 and input_hash = $3 and status = 'granted' and expires_at > now()`,
    [asked.sessionId, asked.operation, asked.inputHash],
  );
  return row;
}

/** Uses up a granted approval; false when it was used meanwhile, or its time has passed. */
export const takeApproval = async (tx: Tx, id: string): Promise<boolean> =>
  (
    await query(
      tx,
      `update control_plane.approvals set status = 'used' where tenant_id = (select ops.tenant()) and id = $1
         and status = 'granted' and expires_at > now() returning id`,
      [id],
    )
  ).length === 1;

/** Asks for an approval, or finds the one that was asked for and waits; one whose time has passed waits anew. */
export async function askApproval(tx: Tx, tenantId: string, asked: Asked): Promise<string> {
  const [row] = await query<{ id: string }>(
    tx,
    `insert into control_plane.approvals as p
       (tenant_id, id, agent_session_id, operation, input, input_hash, decision_id, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (tenant_id, agent_session_id, operation, input_hash) where status in ('waiting', 'granted')
     do update set expires_at = excluded.expires_at, status = 'waiting', decided_by = null, reason = null
     returning p.id`,
    [
      tenantId,
      asked.id,
      asked.sessionId,
      asked.operation,
      asked.input,
      asked.inputHash,
      asked.decisionId,
      asked.expiresAt,
    ],
  );
  return row!.id;
}

export const readApprovals = (
  tx: Tx,
  filter: { limit: number; before: string | undefined; status: string | undefined },
): Promise<StoredApproval[]> =>
  query(
    tx,
    `select ${APPROVAL} from control_plane.approvals p where p.tenant_id = (select ops.tenant())
       and p.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') and ($3::text is null or p.status = $3)
     order by p.id desc limit $1`,
    [filter.limit, filter.before ?? null, filter.status ?? null],
  );

/** Settles an approval that waits; undefined when there is none of this id that does. */
export async function settleApproval(
  tx: Tx,
  settled: { id: string; granted: boolean; by: string; reason: string | null },
): Promise<StoredApproval | undefined> {
  const [row] = await query<StoredApproval>(
    tx,
    `update control_plane.approvals p set status = $2, decided_by = $3, reason = $4
     where p.tenant_id = (select ops.tenant()) and p.id = $1 and p.status = 'waiting' and p.expires_at > now()
     returning ${APPROVAL}`,
    [settled.id, settled.granted ? "granted" : "refused", settled.by, settled.reason],
  );
  return row;
}

/** What is known of a session beside what is known of every credential. */
export interface SessionPart {
  readonly session_id: string;
  readonly session_name: string;
  readonly session_writes: string[];
}

/** A session by the public part of its key, in the form of the caller's own credentials. */
export async function findSession<Credential>(
  tx: Tx,
  prefix: string,
): Promise<(Credential & SessionPart) | undefined> {
  const [row] = await query<Credential & SessionPart>(
    tx,
    "select * from control_plane.find_agent_session($1)",
    [prefix],
  );
  return row;
}
