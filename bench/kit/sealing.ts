import { setTimeout as sleep } from "node:timers/promises";
import type { System } from "../../server/src/faces/system.ts";
import { newId } from "../../server/src/kernel/ids.ts";
import { expectCount } from "./rounds.ts";
import { count, type Project, type Scratch } from "./scratch.ts";

/** Bytes of an entry as it is hashed, and of the payload that it stands for. */
export const ENTRY_BYTES = 256;
export const PAYLOAD_BYTES = 256;

const PAYLOAD = "p".repeat(PAYLOAD_BYTES - '{"text":""}'.length);

/** Appends one entry of `ENTRY_BYTES` and resolves when it is durable. */
export async function append({ parts }: System, tenantId: string): Promise<void> {
  const id = newId();
  const rows = await parts.ledger.rows(tenantId, {
    id,
    time_ms: Date.now(),
    kind: "job",
    actor: "b",
    action: "bench",
    outcome: "done",
    refs: {},
    payload: { text: PAYLOAD },
  });
  await parts.committer.commit({ tenantId, id, rows });
  parts.ledger.wake(tenantId);
}

/** Entries a second, from the first append to the signed checkpoints that cover the last ones. */
export async function seal(
  { system, admin }: Scratch,
  projects: readonly Project[],
  { entries, inFlight }: { entries: number; inFlight: number },
): Promise<number> {
  const before = await count(admin, "ledger.entries");
  let left = entries;
  const start = performance.now();
  const writer = async (n: number) => {
    while (left-- > 0) await append(system, projects[n % projects.length]!.id);
  };
  await Promise.all(Array.from({ length: inFlight }, (_, n) => writer(n)));
  while ((await published(admin)) < before + entries) await sleep(2);
  const elapsed_ms = performance.now() - start;
  expectCount("entries", (await count(admin, "ledger.entries")) - before, entries);
  return (entries * 1000) / elapsed_ms;
}

async function published(admin: Scratch["admin"]): Promise<number> {
  const { rows } = await admin.query<{ size: string | null }>(
    "select sum(size) as size from (select max(size) as size from ledger.checkpoints group by tenant_id) newest",
  );
  return Number(rows[0]!.size);
}
