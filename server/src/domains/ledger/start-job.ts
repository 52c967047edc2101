import { enqueue, jobShown } from "#domains/ops";
import type { Tx } from "#kernel/db.ts";
import type { Principal } from "#pipeline";

/** Starts work on a project's log that goes on after the call, one at a time of a topic; what the caller is shown of it. */
export const startJob =
  (topic: string) =>
  async ({ id, tx, principal }: { id: string; tx: Tx; principal: Principal }) => {
    const started = await enqueue(tx, principal.tenantId, {
      topic,
      payload: {},
      orderingKey: topic,
      decisionId: id,
      createdBy: `${principal.type}:${principal.id}`,
    });
    return jobShown(started);
  };
