import type { Append } from "#kernel/append.ts";
import type { Tx } from "#kernel/db.ts";
import { writeAll } from "./commit.ts";
import type { EntryOf, Ports } from "./ports.ts";

/**
 * Seals something that was no call, such as what came of a job, in the transaction that did it. Call `ledger.ready`
 * before that transaction and `ledger.wake` after it.
 */
export async function sealIn(
  tx: Tx,
  { ledger, revision }: Pick<Ports, "ledger" | "revision">,
  tenantId: string,
  entry: EntryOf,
  beside: readonly Append[] = [],
): Promise<void> {
  const rows = [...beside, ...(await ledger.rows(tenantId, entry))];
  await writeAll(tx, revision, [{ tenantId, id: entry.id, rows }]);
}
