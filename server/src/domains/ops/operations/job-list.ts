import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readJobs } from "../queries.ts";
import { job, jobShown } from "../shapes.ts";

const jobs = listOf(job, ({ id }) => id);

export const jobList = operation({
  name: "ops.job.list",
  summary: "The project's jobs, newest first.",
  rest: "GET /v1/jobs",
  kind: "read",
  input: z.strictObject({
    ...page,
    status: job.shape.status.optional(),
    topic: z.string().max(200).optional(),
  }),
  output: jobs.output,
  page: jobs,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor, status, topic } }) {
    const before = readCursor(cursor, z.uuid());
    const rows = await readJobs(tx, { limit: limit + 1, before, status, topic });
    return jobs.page(rows.map(jobShown), limit);
  },
});
