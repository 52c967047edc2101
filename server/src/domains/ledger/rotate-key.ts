import type { Handler } from "#domains/ops";
import { rotateLogKey } from "#domains/security";
import type { Db } from "#kernel/db.ts";
import type { Ports } from "#pipeline";
import { readHead } from "./queries.ts";

/** The job `security.rotate-log-key`: the log's next key signs from now on, and every server hears that it should load it. */
export const rotateKey =
  (db: Db, masterKey: Uint8Array, raiseRevision: Ports["raiseRevision"]): Handler =>
  async ({ tenantId }) => {
    const head = await db.transaction({ role: "reader", tenantId }, readHead);
    if (head === undefined) throw new Error(`project ${tenantId} has no log`);
    return {
      result: { log: head.origin },
      event: { kind: "log_key_rotated", severity: "info", facts: { log: head.origin } },
      async effect(tx) {
        await rotateLogKey(tx, masterKey, head.origin);
        await raiseRevision(tx, tenantId);
      },
    };
  };
