import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "#kernel/config.ts";
import { newId } from "#kernel/ids.ts";
import { openSystem } from "../../src/main.ts";

/**
 * One of several servers over the engine in the directory given, or at DATABASE_URL: appends entries to the log of a project, and prints each
 * id once it is durable, every tenth with its place once that is published. The parent kills it without warning.
 */
const WRITERS = 32;
const [dataDir, projectId] = process.argv.slice(2) as [string, string];

const { parts } = await openSystem(
  {
    ...readConfig({ DATABASE_URL: process.env["DATABASE_URL"] }),
    dataDir,
    port: 0,
    origin: "sealbase.test",
    logLevel: "silent",
  },
  { migrate: false, join: true },
);
console.log("ready");
await Promise.all(Array.from({ length: WRITERS }, write));

async function write(): Promise<void> {
  for (let n = 0; ; n++) {
    const id = newId();
    try {
      await append(id);
      console.log(id);
      if (n % 10 !== 0) continue;
      const place = await parts.ledger.published(projectId, id);
      if (place !== null) console.log(`${id} ${place.index} ${place.size}`);
    } catch {
      await sleep(20); // PostgreSQL was killed, not we
    }
  }
}

async function append(id: string): Promise<void> {
  const rows = await parts.ledger.rows(projectId, {
    id,
    time_ms: Date.now(),
    kind: "job",
    actor: "writer",
    action: "test",
    outcome: "done",
    refs: {},
    payload: {},
  });
  await parts.committer.commit({ tenantId: projectId, id, rows });
  parts.ledger.wake(projectId);
}
