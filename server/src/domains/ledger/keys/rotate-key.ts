import { type Handler, JobFailed } from "#domains/ops";
import { logVerifierKeys, rotateLogKey } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import { type Parts, sealIn } from "#pipeline";
import { ROLLOVER_ACTION, ROLLOVER_KIND } from "#verifier";
import { readHead } from "../queries.ts";
import { insertRollover, isRolloverUncovered } from "./queries.ts";

/** The topic of jobs that give a log its next key; one at a time in a project. */
export const ROTATE_KEY = "security.rotate-log-key";
/** How long a rotation waits for the one before it to be published. */
const HELD_MS = 500;

/**
 * The job: an entry names the log's next key, the key before signs a checkpoint that covers it, and from then on the next
 * one signs alone. So whoever trusts one key can follow to the next by a receipt, without asking anybody.
 */
export const rotateKey =
  (parts: Parts, masterKey: Uint8Array): Handler =>
  async ({ tenantId }) => {
    const scope = { role: "reader", tenantId } as const;
    const head = await parts.db.transaction(scope, readHead);
    if (head === undefined) throw new Error(`project ${tenantId} has no log`);
    const { origin: log } = head;
    await parts.ledger.ready(tenantId);
    return {
      result: { log },
      event: { kind: "log_key_rotated", severity: "info", facts: { log } },
      async effect(tx) {
        await rollOver(tx, parts, { tenantId, log, masterKey });
        await parts.raiseRevision(tx, tenantId);
      },
    };
  };

async function rollOver(
  tx: Tx,
  parts: Parts,
  { tenantId, log, masterKey }: { tenantId: string; log: string; masterKey: Uint8Array },
): Promise<void> {
  const [previousKey] = await logVerifierKeys(tx, log);
  // A key that is replaced before it has signed a checkpoint of its own could not name the next one.
  if (await isRolloverUncovered(tx, previousKey!)) throw unpublishedRollover();
  const number = await rotateLogKey(tx, masterKey, log);
  const [nextKey] = await logVerifierKeys(tx, log);
  const entryId = newId();
  await sealIn(tx, parts, tenantId, [
    {
      id: entryId,
      time_ms: parts.clock(),
      kind: ROLLOVER_KIND,
      actor: "Sealbase:server",
      action: ROLLOVER_ACTION,
      outcome: "done",
      refs: { previous_key: previousKey!, next_key: nextKey! },
      payload: { number },
    },
  ]);
  await insertRollover(tx, tenantId, {
    number,
    previousKey: previousKey!,
    nextKey: nextKey!,
    entryId,
  });
}

const unpublishedRollover = () =>
  new JobFailed("no checkpoint covers the entry that names the current key yet", {
    held: true,
    after_ms: HELD_MS,
  });
