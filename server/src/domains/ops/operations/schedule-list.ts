import { z } from "zod";
import { operation } from "#pipeline";
import { readSchedules } from "../queries.ts";
import { schedule, scheduleShown } from "../shapes.ts";

export const scheduleList = operation({
  name: "ops.schedule.list",
  summary: "Work that comes again and again in this project, and when next.",
  rest: "GET /v1/schedules",
  kind: "read",
  input: z.strictObject({}),
  output: z.object({ items: z.array(schedule) }),

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  action: async ({ tx }) => ({ items: (await readSchedules(tx)).map(scheduleShown) }),
});
