import type pg from "pg";
import { withClient } from "./db.ts";
import { watchPool } from "./db-watch.ts";
import type { Backlog, State } from "./metrics-state.ts";
import { shared } from "./shared.ts";

/** How long what was seen is good for whoever asks next: nobody keeps the database busy by asking. */
const KEEP_MS = 500;
const WAIT_MAX_MS = 2_000;
/** SQLSTATE: PostgreSQL answers, and has no room for one more. */
const TOO_MANY_CONNECTIONS = "53300";

interface Ledger {
  refused(): State["refusedLogs"];
  backlog(): Promise<Backlog>;
}

/** What /readyz and the gauges want to know. An engine that hangs is one that is down, and is not asked twice at once. */
export function lookAt(
  pool: pg.Pool,
  server: pg.ClientConfig,
  ledger: Ledger,
): () => Promise<State> {
  const connections = watchPool(pool);
  const askEngine = shared(() => errorOf(server), 0);
  const askBacklog = shared(() => ledger.backlog(), 0);
  return shared(async () => {
    const engineError = await within(askEngine(), `no answer within ${WAIT_MAX_MS} ms`);
    const found = connections();
    // Not to be added to what a full pool has to do already.
    const unknown = engineError !== undefined || found.waiting > 0;
    const backlog = unknown ? undefined : await within(askBacklog().catch(nothing), undefined);
    return { connections: found, engineError, refusedLogs: ledger.refused(), backlog };
  }, KEEP_MS);
}

/** By a connection of its own: a pool whose connections are all in use says nothing about PostgreSQL. */
async function errorOf(server: pg.ClientConfig): Promise<string | undefined> {
  const limits = { connectionTimeoutMillis: WAIT_MAX_MS, query_timeout: WAIT_MAX_MS };
  try {
    await withClient({ ...server, ...limits }, (client) => client.query("select 1"));
    return undefined;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code === TOO_MANY_CONNECTIONS ? undefined : message || (code ?? "no connection");
  }
}

const nothing = () => undefined;

function within<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  const timer = setTimeout(() => resolve(otherwise), WAIT_MAX_MS);
  return Promise.race([answer, promise]).finally(() => clearTimeout(timer));
}
