import { newId } from "#kernel/ids.ts";
import { type Parts, sealEvent } from "#pipeline";
import { quarantinedStays } from "../oracle/quarantine.ts";
import { openVersion } from "../policy.ts";
import { activeAlready, nothingBefore, notValidated, versionMissing } from "../refusals.ts";
import {
  activateVersion,
  countSets,
  lockSet,
  readActiveOf,
  readNumberBefore,
  readVersion,
} from "./queries.ts";
import { DEFAULT_SET } from "./versions.ts";

/** What an operator wants back, and why. */
export interface Restoring {
  /** Of the set `default`; undefined: what was active before. */
  readonly number: number | undefined;
  readonly reason: string;
}

/** Numbers of versions of the set `default`. */
export interface RestoredPolicies {
  /** Null: none was active. */
  readonly from: number | null;
  readonly to: number;
}

/**
 * Lets an earlier version of the set `default` decide again, for a project in which nobody may do that any more. Asks no
 * policy: it is for who runs the server, and no call reaches it. A critical event, sealed in the same transaction, tells of it.
 */
export async function restorePolicies(
  parts: Parts,
  tenantId: string,
  { number, reason }: Restoring,
): Promise<RestoredPolicies> {
  const sets = await parts.db.transaction({ role: "reader", tenantId }, countSets);
  if (sets === 0) throw nothingBefore(DEFAULT_SET);
  await parts.ledger.ready(tenantId);
  const restored = await parts.db.transaction({ role: "writer", tenantId }, async (tx) => {
    const set = DEFAULT_SET;
    const setId = await lockSet(tx, set);
    if (setId === undefined) throw nothingBefore(set);
    const from = (await readActiveOf(tx, set))?.number ?? null;
    const to = number ?? (await readNumberBefore(tx, setId));
    if (to === undefined) throw nothingBefore(set);
    const found = await readVersion(tx, set, to);
    if (found === undefined) throw versionMissing(set, to);
    if (found.quarantinedAt !== null) throw quarantinedStays(set, to);
    if (found.status === "active") throw activeAlready(set, to);
    if (found.status === "draft") throw notValidated(set, to, found.status);
    openVersion(found);
    await activateVersion(tx, tenantId, setId, found.id);
    await parts.raiseRevision(tx, tenantId);
    const id = newId();
    await sealEvent(tx, parts, tenantId, {
      id,
      requestId: id,
      decisionId: null,
      time_ms: parts.clock(),
      kind: "policies_restored",
      severity: "critical",
      actor: "Sealbase:operator",
      facts: { set, from, to, policy_version_id: found.id, reason },
    });
    return { from, to };
  });
  parts.ledger.wake(tenantId);
  return restored;
}
