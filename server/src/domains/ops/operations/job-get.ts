import { z } from "zod";
import { operation } from "#pipeline";
import { readJob } from "../queries.ts";
import { jobMissing } from "../refusals.ts";
import { job, jobShown } from "../shapes.ts";

export const jobGet = operation({
  name: "ops.job.get",
  summary: "One job: how far it is, and what came of it.",
  rest: "GET /v1/jobs/{id}",
  kind: "read",
  input: z.strictObject({ id: z.uuid() }),
  output: job,

  policy: { resource: { type: "Job", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id } }) {
    const found = await readJob(tx, id);
    if (found === undefined) throw jobMissing(id);
    return jobShown(found);
  },
});
