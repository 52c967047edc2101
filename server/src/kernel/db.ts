import { setTimeout as sleep } from "node:timers/promises";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from "kysely";
import pg from "pg";
import { Canceller } from "./cancel.ts";
import { refusalOfConnection, refusalOfDatabase, unavailable } from "./database-refusals.ts";
import { UNWATCHED, type Watch } from "./db-watch.ts";
import { Refusal } from "./refusal.ts";
import type { DB } from "./schema.ts";

/** What runs inside of one transaction, in one role, for one project. */
export type Tx = Kysely<DB>;

/** Whose rows a transaction sees, and with which rights. */
export interface Scope {
  readonly role: "writer" | "reader";
  /** Project; null sees no project's rows. */
  readonly tenantId: string | null;
  /** Set by operations on an organization's projects only. */
  readonly organizationId?: string | undefined;
  /** Set when all of it is the work of one call: what is told about it names the call. */
  readonly requestId?: string | undefined;
}

export interface Db {
  /**
   * Begins, takes the role and the project, runs, commits; rolls back when `work` throws. A signal that aborts
   * before the commit stops the statement that PostgreSQL is at, and its reason is thrown.
   */
  transaction<T>(scope: Scope, work: (tx: Tx) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** A connection of its own that hears NOTIFY. After each connect, `hear` gets every channel with an empty payload: anything may have changed. */
  listen(
    channels: readonly string[],
    hear: (channel: string, payload: string) => void,
  ): Promise<Listener>;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

export interface Listener {
  close(): Promise<void>;
}

export const POSTGRES_MAJOR_MIN = 17;
export const TIMEOUTS_MS = { statement: 15_000, lock: 5_000, idle_in_transaction_session: 30_000 };
const CONNECT_TRIES_MAX = 8;
const CONNECT_BACKOFF_MS = 50;
const CONNECTIONS_MAX = 10;

/** int8 becomes a number, and never a wrong one; numeric and date stay text; bytea is a Buffer. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} is beyond 2^53`);
  return value;
});

// A date has no time zone: it stays the text that it is.
types.setTypeParser(pg.types.builtins.DATE, (text) => text);

export async function openDb(
  config: pg.ClientConfig,
  connections = CONNECTIONS_MAX,
  watch: Watch = UNWATCHED,
): Promise<Db> {
  const pool = new pg.Pool({
    ...config,
    max: connections,
    types,
    connectionTimeoutMillis: 10_000,
    application_name: "sealbase",
    allowExitOnIdle: false,
    // A query is sent while the one before is under way. Each is answered on its own, as without it.
    pipeline: true,
  });
  // A connection that dies, idle or at work, is replaced at the next use, and the work on it fails by itself; without
  // a listener on both, the pool and each connection, the loss would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  try {
    await refuseOldPostgres(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const canceller = new Canceller(config);
  return {
    pool,
    transaction: (scope, work, signal) =>
      watch.transaction(scope, () => transaction(pool, canceller, watch, scope, work, signal)),
    listen: (channels, hear) => listen(config, channels, hear),
    async close() {
      await canceller.close();
      await pool.end();
    },
  };
}

/** One connection for one piece of work beside the pool: administration, mostly. */
export async function withClient<T>(
  config: pg.ClientConfig,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(config);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs SQL text inside a transaction: for statements that no query builder needs to see. */
export async function query<Row>(
  tx: Tx,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return (await tx.executeQuery<Row>(CompiledQuery.raw(text, [...values]))).rows;
}

async function transaction<T>(
  pool: pg.Pool,
  canceller: Canceller,
  watch: Watch,
  scope: Scope,
  work: (tx: Tx) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted();
  const client = await connect(pool);
  serving.set(client, { watch, requestId: scope.requestId });
  let broken: Error | undefined;
  let stopping: Stopping | undefined;
  try {
    signal?.throwIfAborted();
    // Sent together with the work's first query. Should it fail, that one fails too, and its own error is the one to tell.
    const begun = client.query(begin(scope)) as unknown as Promise<Begun>;
    begun.catch(() => {});
    if (signal !== undefined) stopping = stopOnAbort(signal, begun, canceller);
    const result = await work(bound(client)).catch(async (error: unknown) => {
      await begun;
      throw error;
    });
    await begun;
    await stopping?.over();
    signal?.throwIfAborted();
    await timed(client, "commit", client.query("commit"));
    return result;
  } catch (error) {
    // The connection is not another transaction's before a cancellation that was sent has arrived.
    await stopping?.over();
    // A rollback that fails means a lost connection: it is dropped, the server rolls back, the first error counts.
    await client.query("rollback").catch((lost: Error) => {
      broken = lost;
    });
    if (isCancelled(error)) signal?.throwIfAborted();
    throw refusalOfDatabase(error) ?? error;
  } finally {
    client.release(broken);
  }
}

/** What the first message of a transaction answers: nothing for `begin`, then the settings' row. */
type Begun = [unknown, pg.QueryResult<{ pid: number }>];

interface Stopping {
  /** From here on nothing is cancelled; resolves when what was sent has arrived. */
  over(): Promise<void>;
}

function stopOnAbort(signal: AbortSignal, begun: Promise<Begun>, canceller: Canceller): Stopping {
  let told: Promise<void> | undefined;
  const stop = () => {
    told = begun.then(
      ([, { rows }]) => canceller.cancel(rows[0]!.pid),
      () => undefined,
    );
  };
  signal.addEventListener("abort", stop, { once: true });
  return {
    async over() {
      signal.removeEventListener("abort", stop);
      await told;
    },
  };
}

const isCancelled = (error: unknown) => (error as { code?: string }).code === "57014";

/** One message, and everything in it local to the transaction, so that a transaction pooler may stand in between. */
function begin({ role, tenantId, organizationId }: Scope): string {
  const settings = [
    ["role", `sealbase_${role}`],
    ["app.tenant_id", tenantId ?? ""],
    ["app.organization_id", organizationId ?? ""],
    ...Object.entries(TIMEOUTS_MS).map(([name, ms]) => [`${name}_timeout`, String(ms)]),
  ];
  const calls = settings.map(
    ([name, value]) => `set_config('${name}', ${pg.escapeLiteral(value!)}, true)`,
  );
  // A reader sees one state of the database from its first statement to its last, so that what it compares belongs together.
  return `begin${role === "reader" ? " isolation level repeatable read read only" : ""}; select pg_backend_pid() as pid, ${calls.join(", ")}`;
}

/** A connection, waiting out a server that restarts; refuses when it stays away. */
async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.connect();
    } catch (error) {
      if (!isTransient(error)) throw refusalOfConnection(error) ?? error;
      if (attempt === CONNECT_TRIES_MAX) throw unavailable(error);
      await sleep(CONNECT_BACKOFF_MS * 2 ** (attempt - 1));
    }
  }
}

const TRANSIENT = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "57P01",
  "57P02",
  "57P03",
  "53300",
]);
const isTransient = (error: unknown) => TRANSIENT.has((error as { code?: string }).code ?? "");

/** Whether an error says that the server is going, or was not there however long one waited. */
export const isServerGone = (error: unknown): boolean =>
  isTransient(error) ||
  (error as { code?: string }).code === "engine/unavailable" ||
  /^Connection terminated/.test((error as Error).message);

async function refuseOldPostgres(pool: pg.Pool): Promise<void> {
  const client = await connect(pool);
  try {
    const { rows } = await client.query<{ version: string }>(
      "select current_setting('server_version_num') as version",
    );
    const major = Math.floor(Number(rows[0]!.version) / 10_000);
    if (major < POSTGRES_MAJOR_MIN)
      throw new Refusal(
        "engine/postgres_too_old",
        503,
        `PostgreSQL ${major} is older than ${POSTGRES_MAJOR_MIN}`,
        { found: major, needed: POSTGRES_MAJOR_MIN },
        `Upgrade the server to PostgreSQL ${POSTGRES_MAJOR_MIN} or later.`,
      );
  } finally {
    client.release();
  }
}

/** Whose statements a connection runs, and who is told how long they take. */
const serving = new WeakMap<pg.PoolClient, { watch: Watch; requestId: string | undefined }>();

async function timed<T>(client: pg.PoolClient, text: string, answer: Promise<T>): Promise<T> {
  const start_ms = performance.now();
  try {
    return await answer;
  } finally {
    const { watch, requestId } = serving.get(client)!;
    watch.statement(performance.now() - start_ms, text, requestId);
  }
}

const builders = new WeakMap<pg.PoolClient, Tx>();

/** The query builder on this one connection, made once per connection. */
function bound(client: pg.PoolClient): Tx {
  let tx = builders.get(client);
  if (tx === undefined) {
    tx = new Kysely<DB>({
      dialect: {
        createAdapter: () => new PostgresAdapter(),
        createDriver: () => new BoundDriver(client),
        createIntrospector: (db) => new PostgresIntrospector(db),
        createQueryCompiler: () => new PostgresQueryCompiler(),
      },
    });
    builders.set(client, tx);
  }
  return tx;
}

class BoundDriver implements Driver {
  readonly #connection: DatabaseConnection;
  constructor(client: pg.PoolClient) {
    this.#connection = {
      // Work may ask for several things at once: they are sent at once, and answered in that order.
      async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
        const result = await timed(client, sql, client.query(sql, parameters as unknown[]));
        return { rows: result.rows as R[], numAffectedRows: BigInt(result.rowCount ?? 0) };
      },
      streamQuery() {
        throw new Error("read in pages instead of streams");
      },
    };
  }
  async init() {}
  acquireConnection = async () => this.#connection;
  async releaseConnection() {}
  async destroy() {}
  beginTransaction = nested;
  commitTransaction = nested;
  rollbackTransaction = nested;
}

async function nested(): Promise<never> {
  throw new Error("a transaction is begun by Db.transaction only");
}

const LISTEN_RETRY_MS = 1_000;

async function listen(
  config: pg.ClientConfig,
  channels: readonly string[],
  hear: (channel: string, payload: string) => void,
): Promise<Listener> {
  let closed = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  const again = () => {
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      open().catch(again);
    }, LISTEN_RETRY_MS);
  };
  const open = async () => {
    client = new pg.Client({ ...config, application_name: "sealbase listen", keepAlive: true });
    client.on("error", again);
    client.on("end", again);
    client.on("notification", ({ channel, payload }) => hear(channel, payload ?? ""));
    await client.connect();
    for (const channel of channels) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    // What was said while nobody listened is lost: the empty payload means "anything may have changed".
    for (const channel of channels) hear(channel, "");
  };
  await open();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await client?.end();
    },
  };
}
