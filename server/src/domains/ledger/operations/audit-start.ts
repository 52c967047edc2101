import { z } from "zod";
import { enqueue, job, jobShown } from "#domains/ops";
import { operation } from "#pipeline";
import { AUDIT } from "../audit.ts";

export const auditStart = operation({
  name: "ledger.audit.start",
  summary:
    "Recomputes the project's log as a job: GET /v1/jobs/{id} says how far it is, then what was found.",
  rest: "POST /v1/ledger/audits",
  kind: "write",
  status: 202,
  input: z.strictObject({}),
  output: job,

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id, tx, principal }) {
    const started = await enqueue(tx, principal.tenantId, {
      topic: AUDIT,
      payload: {},
      orderingKey: AUDIT,
      decisionId: id,
      createdBy: `${principal.type}:${principal.id}`,
    });
    return jobShown(started);
  },
  subject: ({ id }) => ({ type: "job", id }),
});
