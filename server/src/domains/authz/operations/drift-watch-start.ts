import { z } from "zod";
import { enqueue, job, jobShown } from "#domains/ops";
import { operation } from "#pipeline";
import { DRIFT } from "../drift/watch.ts";

export const driftWatchStart = operation({
  name: "authz.drift-watch.start",
  summary:
    "Counts the days of decisions that have ended and looks for drift, as a job, which otherwise comes once a day.",
  rest: "POST /v1/drift/watches",
  kind: "write",
  status: 202,
  input: z.strictObject({}),
  output: job,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id, tx, principal }) {
    const started = await enqueue(tx, principal.tenantId, {
      topic: DRIFT,
      payload: {},
      orderingKey: DRIFT,
      decisionId: id,
      createdBy: `${principal.type}:${principal.id}`,
    });
    return jobShown(started);
  },
  subject: ({ id }) => ({ type: "job", id }),
});
