import { z } from "zod";
import { operation } from "#pipeline";
import { ATTEMPTS_MAX } from "../jobs.ts";
import { readJob, retryJob } from "../queries.ts";
import { jobMissing, jobNotFinished } from "../refusals.ts";
import { job, jobShown } from "../shapes.ts";

export const jobRetry = operation({
  name: "ops.job.retry",
  summary: "Tries a job again that was given up or cancelled.",
  rest: "POST /v1/jobs/{id}/retry",
  kind: "write",
  input: z.strictObject({ id: z.uuid() }),
  output: job,

  policy: { resource: { type: "Job", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id } }) {
    const retried = await retryJob(tx, id, ATTEMPTS_MAX);
    if (retried !== undefined) return jobShown(retried);
    const found = await readJob(tx, id);
    throw found === undefined ? jobMissing(id) : jobNotFinished(id, found.status);
  },
  subject: ({ id }) => ({ type: "job", id }),
});
