import { query, type Tx } from "#kernel/db.ts";
import type { Chain } from "./chain.ts";
import type { Parts } from "./parts.ts";

/** Keys, policies or the threshold changed after the call was decided: decide it again. */
export class Stale extends Error {
  constructor() {
    super("the project's revision changed while the call was on its way");
  }
}

/** Stops a call that was decided before the last change of keys, policies or threshold; caches may lag, this does not. */
export async function guard(parts: Parts, tx: Tx, chain: Chain): Promise<void> {
  const { tenantId, revision } = chain.request.principal;
  const [row] = await query<{ revision: number | null }>(
    tx,
    `select ${parts.revision("$1")} as revision`,
    [tenantId],
  );
  if (row!.revision !== revision) throw new Stale();
}

/**
 * The same for a write that waited for others on its way: raises the revision if the operation does, and stops the call
 * unless what was decided is what holds now.
 */
export async function guardWrite(parts: Parts, tx: Tx, chain: Chain): Promise<void> {
  const { tenantId, revision } = chain.request.principal;
  if (chain.operation.raisesRevision !== true) return guard(parts, tx, chain);
  if ((await parts.raiseRevision(tx, tenantId)) !== revision + 1) throw new Stale();
}
