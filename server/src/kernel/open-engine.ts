import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Config } from "./config.ts";
import { readDatabaseUrl } from "./database-url.ts";
import { openDb, withClient } from "./db.ts";
import { startEmbedded } from "./embedded.ts";

/** PostgreSQL as this process found or started it. */
export interface Engine {
  /** May migrate. */
  readonly admin: pg.ClientConfig;
  /** What calls run as; ready after `allowServer`. */
  readonly server: pg.ClientConfig;
  /** Lets the role `sealbase_server` sign in, once migrations have made it. */
  allowServer(): Promise<void>;
  stop(): Promise<void>;
}

/** The server of DATABASE_URL, or the embedded engine in the data folder; `join` shares one that another process runs. */
export async function openEngine(
  config: Config,
  join: boolean,
  log?: (line: string) => void,
): Promise<Engine> {
  if (config.databaseUrl === undefined) return openEmbedded(config.dataDir, join, log);
  // A server's roles are its operator's: whoever the URL names signs in, and takes the writer's or reader's role per call.
  const admin = readDatabaseUrl(config.databaseUrl);
  // What is wrong with the server is said before anything is done to it.
  await (await openDb(admin, 1)).close();
  return { admin, server: admin, async allowServer() {}, async stop() {} };
}

async function openEmbedded(
  dir: string,
  join: boolean,
  log?: (line: string) => void,
): Promise<Engine> {
  const embedded = await startEmbedded({ dir, join, ...(log === undefined ? {} : { log }) });
  const password = loadPassword(dir);
  return {
    admin: embedded.admin,
    server: { ...embedded.admin, user: "sealbase_server", password },
    async allowServer() {
      const statement = `alter role sealbase_server login password ${pg.escapeLiteral(password)}`;
      await withClient(embedded.admin, async (client) => {
        // Two processes that begin at once would change one row of the catalog: PostgreSQL refuses the second.
        await client.query("select pg_advisory_lock(hashtextextended('sealbase_server', 0))");
        await client.query(statement);
      });
    },
    async stop() {
      if (join && !embedded.joined) await untilAlone(embedded.admin);
      await embedded.stop();
    },
  };
}

const GUESTS_MAX_MS = 60_000;
const GUESTS_POLL_MS = 50;

/** A command that started the engine lets those finish that use it, too; for a minute. */
async function untilAlone(admin: pg.ClientConfig): Promise<void> {
  const until_ms = performance.now() + GUESTS_MAX_MS;
  await withClient(admin, async (client) => {
    for (;;) {
      const { rows } = await client.query<{ others: number }>(
        `select count(*)::int as others from pg_stat_activity
         where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      if (rows[0]!.others === 0 || performance.now() > until_ms) return;
      await sleep(GUESTS_POLL_MS);
    }
  });
}

/** Made once and shared by every process that joins. */
function loadPassword(dir: string): string {
  const file = join(dir, "server-password");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, randomBytes(24).toString("base64url"), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFileSync(file, "utf8");
}
