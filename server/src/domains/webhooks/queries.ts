import { query, type Tx } from "#kernel/db.ts";

export interface StoredWebhook {
  readonly id: string;
  readonly url: string;
  readonly channels: string[];
  readonly serviceAccountId: string;
  readonly enabled: boolean;
  readonly position: string;
  readonly createdBy: string;
  readonly createdAt: Date;
}

const WEBHOOK = `w.id, w.url, w.channels, w.service_account_id as "serviceAccountId", w.enabled, w.position,
  w.created_by as "createdBy", w.created_at as "createdAt"`;
const MINE = "w.tenant_id = (select ops.tenant()) and w.id = $1";

export async function insertWebhook(
  tx: Tx,
  tenantId: string,
  webhook: Omit<StoredWebhook, "enabled" | "createdAt"> & { secret: Uint8Array },
): Promise<StoredWebhook> {
  const { id, url, channels, serviceAccountId, secret, position, createdBy } = webhook;
  const [row] = await query<StoredWebhook>(
    tx,
    `insert into ops.webhooks as w (tenant_id, id, url, channels, service_account_id, secret_sealed, position, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${WEBHOOK}`,
    [tenantId, id, url, channels, serviceAccountId, secret, position, createdBy],
  );
  return row!;
}

export const countWebhooks = async (tx: Tx): Promise<number> =>
  (
    await query<{ count: number }>(
      tx,
      "select count(*) as count from ops.webhooks w where w.tenant_id = (select ops.tenant())",
    )
  )[0]!.count;

export const readWebhooks = (
  tx: Tx,
  limit: number,
  before: string | undefined,
): Promise<StoredWebhook[]> =>
  query(
    tx,
    `select ${WEBHOOK} from ops.webhooks w where w.tenant_id = (select ops.tenant())
       and w.id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by w.id desc limit $1`,
    [limit, before ?? null],
  );

export async function readWebhook(tx: Tx, id: string): Promise<StoredWebhook | undefined> {
  const [row] = await query<StoredWebhook>(
    tx,
    `select ${WEBHOOK} from ops.webhooks w where ${MINE}`,
    [id],
  );
  return row;
}

export async function updateWebhook(
  tx: Tx,
  id: string,
  change: {
    url?: string | undefined;
    channels?: string[] | undefined;
    enabled?: boolean | undefined;
    position?: string | undefined;
  },
): Promise<StoredWebhook | undefined> {
  const [row] = await query<StoredWebhook>(
    tx,
    `update ops.webhooks w set url = coalesce($2, w.url), channels = coalesce($3, w.channels),
       enabled = coalesce($4, w.enabled), position = coalesce($5, w.position) where ${MINE} returning ${WEBHOOK}`,
    [id, change.url, change.channels, change.enabled, change.position].map(
      (value) => value ?? null,
    ),
  );
  return row;
}

export async function deleteWebhook(tx: Tx, id: string): Promise<StoredWebhook | undefined> {
  const [row] = await query<StoredWebhook>(
    tx,
    `delete from ops.webhooks w where ${MINE} returning ${WEBHOOK}`,
    [id],
  );
  return row;
}

/** The next secret signs; the one before signs, too, for `keep_s` seconds. */
export async function rotateSecret(
  tx: Tx,
  id: string,
  secret: Uint8Array,
  keep_s: number,
): Promise<StoredWebhook | undefined> {
  const [row] = await query<StoredWebhook>(
    tx,
    `update ops.webhooks w set previous_secret_sealed = w.secret_sealed, previous_until = now() + make_interval(secs => $3),
       secret_sealed = $2 where ${MINE} returning ${WEBHOOK}`,
    [id, secret, keep_s],
  );
  return row;
}

export interface Target {
  readonly url: string;
  readonly enabled: boolean;
  readonly secret: Buffer;
  /** While it still signs. */
  readonly previous: Buffer | null;
}

/** What a delivery needs; the writer's alone, because of the secrets. */
export async function readTarget(tx: Tx, id: string): Promise<Target | undefined> {
  const [row] = await query<Target>(
    tx,
    `select w.url, w.enabled, w.secret_sealed as secret,
       case when w.previous_until > now() then w.previous_secret_sealed end as previous
     from ops.webhooks w where ${MINE}`,
    [id],
  );
  return row;
}

/** Whether it is there and disabled, and stays so until the transaction ends. */
export const isDisabled = async (tx: Tx, id: string): Promise<boolean> =>
  (await query(tx, `select from ops.webhooks w where ${MINE} and not w.enabled for share`, [id]))
    .length > 0;

/** Webhooks that are told, locked until their position has moved; those that another server tells are left out. */
export const lockWebhooks = (tx: Tx): Promise<StoredWebhook[]> =>
  query(
    tx,
    `select ${WEBHOOK} from ops.webhooks w where w.tenant_id = (select ops.tenant()) and w.enabled
     order by w.id for update skip locked`,
  );

/** Deliveries of a webhook that are still to be made. */
export async function countOpen(tx: Tx, orderingKey: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    tx,
    `select count(*) as count from ops.outbox where tenant_id = (select ops.tenant()) and ordering_key = $1
       and status in ('waiting', 'running')`,
    [orderingKey],
  );
  return row!.count;
}

/** What waits to be delivered to a webhook is due now. */
export async function hurryDeliveries(tx: Tx, orderingKey: string): Promise<void> {
  await query(
    tx,
    `with due as (update ops.outbox set due_at = now() where tenant_id = (select ops.tenant()) and ordering_key = $1
       and status = 'waiting' and due_at > now() returning id)
     select pg_notify('sealbase_jobs', '') from due limit 1`,
    [orderingKey],
  );
}

/** Projects that have webhooks behind the head of their log. */
export const readTenantsToTell = async (tx: Tx): Promise<string[]> =>
  (await query<{ id: string }>(tx, "select ops.tenants_to_tell() as id")).map(({ id }) => id);
