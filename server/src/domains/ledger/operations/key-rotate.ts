import { z } from "zod";
import { job } from "#domains/ops";
import { operation } from "#pipeline";
import { ROTATE_KEY } from "../keys/rotate-key.ts";
import { startJob } from "../start-job.ts";

export const keyRotate = operation({
  name: "ledger.key.rotate",
  summary:
    "Gives the project's log its next key as a job: the key before endorses it, and its own checkpoints stay good.",
  rest: "POST /v1/ledger/keys/rotate",
  kind: "write",
  status: 202,
  agents: "never",
  input: z.strictObject({}),
  output: job,

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  action: startJob(ROTATE_KEY),
  subject: ({ id }) => ({ type: "job", id }),
});
