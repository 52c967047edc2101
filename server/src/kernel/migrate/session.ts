import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { openBook } from "./book.ts";
import { refuse } from "./refusals.ts";

export type Log = (line: string) => void;
/** A pg client or pool, or anything else that answers a query with rows. */
export type Queryable = { query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> };

const WAIT_LIMIT_MS = 600_000;
const POLL_MS = 100;

/** Works alone on the database: one session lock, taken before the first look and kept to the end. */
export async function withMigrator<T>(
  admin: pg.ClientConfig,
  log: Log | undefined,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return connected(admin, log, async (client) => {
    await lock(client, log);
    await openBook(client);
    return work(client);
  });
}

export async function readOnly<T>(
  admin: pg.ClientConfig,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return connected(admin, undefined, async (client) => {
    await client.query("set default_transaction_read_only = on");
    return work(client);
  });
}

/**
 * Polls instead of waiting in `pg_advisory_lock`: a waiting statement holds a snapshot, and the
 * `create index concurrently` of the process ahead would wait for that snapshot for ever.
 */
async function lock(client: pg.Client, log: Log | undefined): Promise<void> {
  for (let waited_ms = 0; ; waited_ms += POLL_MS) {
    const { rows } = await client.query<{ held: boolean }>(
      `select pg_try_advisory_lock(hashtextextended('sealbase migrate', 0)) as held`,
    );
    if (rows[0]?.held) return;
    if (waited_ms === 0) log?.("another process migrates this database; waiting for it");
    if (waited_ms >= WAIT_LIMIT_MS) throw refuse.busy(waited_ms);
    await sleep(POLL_MS);
  }
}

async function connected<T>(
  admin: pg.ClientConfig,
  log: Log | undefined,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...admin, application_name: "sealbase migrate" });
  // A lost connection also rejects the query under way; without a listener it would end the process.
  client.on("error", (error) => log?.(`connection lost: ${error.message}`));
  client.on("notice", (notice) => log?.(`${notice.severity ?? "NOTICE"}: ${notice.message ?? ""}`));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
