import type { Append } from "#kernel/append.ts";
import type { Tx } from "#kernel/db.ts";
import { writeAll } from "./commit.ts";
import type { EntryOf, Ports } from "./ports.ts";

/**
 * Seals things that were no calls, such as what came of a job, in the transaction that did them. Call `ledger.ready`
 * before that transaction and `ledger.wake` after it.
 */
export async function sealIn(
  tx: Tx,
  { ledger, revision }: Pick<Ports, "ledger" | "revision">,
  tenantId: string,
  entries: readonly EntryOf[],
  beside: readonly Append[] = [],
): Promise<void> {
  const sealed = await Promise.all(entries.map((entry) => ledger.rows(tenantId, entry)));
  await writeAll(tx, revision, [
    { tenantId, id: entries[0]!.id, rows: [...beside, ...sealed.flat()] },
  ]);
}
