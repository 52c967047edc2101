import { logVerifierKeys } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import { ROOT } from "#kernel/ids.ts";
import type { Ledger } from "#pipeline";
import { readEntry, readHead } from "../queries.ts";
import { receiptOf } from "../receipt.ts";
import { payloadMissing, rootPending } from "../refusals.ts";
import { inProject, readRootHead } from "./queries.ts";

/** What shows that the root log sealed a head of the project's log. */
export interface RootSeal {
  /** Entries of the project's log under that head. */
  readonly size: number;
  /** The root log, and the keys that check it. */
  readonly root: string;
  readonly keys: readonly string[];
  readonly receipt: string;
  /** Base64; with the payload it gives the entry's payload hash. */
  readonly salt: string;
  readonly payload: string;
}

/** The seal of the first head of the project's log that covers this many entries, or of the newest that was sealed. */
export async function rootSealOf(
  tx: Tx,
  ledger: Ledger,
  tenantId: string,
  size: number | undefined,
): Promise<RootSeal> {
  return inProject(tx, ROOT.id, tenantId, async () => {
    const head = await readHead(tx);
    const sealed = head && (await readRootHead(tx, tenantId, size));
    const entry = sealed && (await readEntry(tx, sealed.entryId));
    if (entry === undefined) throw rootPending(size ?? null);
    const { salt, payload } = entry;
    if (salt === null || payload === null) throw payloadMissing(entry.index);
    return {
      size: sealed!.size,
      root: head!.origin,
      keys: await logVerifierKeys(tx, head!.origin),
      receipt: await receiptOf(tx, ledger, entry.id),
      salt: salt.toString("base64"),
      payload,
    };
  });
}
