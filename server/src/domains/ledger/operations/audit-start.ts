import { z } from "zod";
import { job } from "#domains/ops";
import { operation } from "#pipeline";
import { AUDIT } from "../audit.ts";
import { startJob } from "../start-job.ts";

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
  action: startJob(AUDIT),
  subject: ({ id }) => ({ type: "job", id }),
});
