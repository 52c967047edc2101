import pg from "pg";
import { startEmbedded } from "#kernel/embedded.ts";

/**
 * Owns the engine in the directory given, writes rows on several connections, and prints each id once its commit is
 * acknowledged. The parent kills it without warning.
 */
const WRITERS = 4;

const engine = await startEmbedded({ dir: process.argv[2] as string });
const state = { pid: engine.pid, adopted: engine.adopted, recovered: engine.recovered };
console.log(`ready ${JSON.stringify(state)}`);
const pool = new pg.Pool({ ...engine.admin, max: WRITERS });
pool.on("error", () => undefined);
await pool.query(
  "CREATE TABLE IF NOT EXISTS written (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
);
await Promise.all(Array.from({ length: WRITERS }, write));

async function write(): Promise<void> {
  for (;;) {
    try {
      const { rows } = await pool.query<{ id: string }>(
        "INSERT INTO written DEFAULT VALUES RETURNING id",
      );
      process.stdout.write(`${rows[0]?.id}\n`);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20)); // the server was killed, not we
    }
  }
}
