import { z } from "zod";
import { operation } from "#pipeline";
import { cancelJob, readJob } from "../queries.ts";
import { jobFinished, jobMissing } from "../refusals.ts";
import { job, jobShown } from "../shapes.ts";

export const jobCancel = operation({
  name: "ops.job.cancel",
  summary: "Cancels a job that waits, or asks a running one to stop.",
  rest: "POST /v1/jobs/{id}/cancel",
  kind: "write",
  input: z.strictObject({ id: z.uuid() }),
  output: job,

  policy: { resource: { type: "Job", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id } }) {
    const asked = await cancelJob(tx, id);
    if (asked !== undefined) return jobShown(asked);
    const found = await readJob(tx, id);
    throw found === undefined ? jobMissing(id) : jobFinished(id, found.status);
  },
  subject: ({ id }) => ({ type: "job", id }),
});
