import { z } from "zod";
import { operation } from "#pipeline";
import { updateSchedule } from "../queries.ts";
import { scheduleMissing } from "../refusals.ts";
import { schedule, scheduleShown } from "../shapes.ts";

const DAY_S = 86_400;

export const scheduleUpdate = operation({
  name: "ops.schedule.update",
  summary: "Says how often scheduled work comes, or whether it does.",
  rest: "PATCH /v1/schedules/{topic}",
  kind: "write",
  agents: "never",
  input: z.strictObject({
    topic: z.string().min(1).max(200),
    every_s: z
      .int()
      .min(60)
      .max(366 * DAY_S)
      .optional(),
    enabled: z.boolean().optional(),
  }),
  output: schedule,

  policy: { resource: { type: "Schedule", id: ({ input }) => input.topic } },
  score: "none",
  async action({ tx, input: { topic, every_s, enabled } }) {
    const updated = await updateSchedule(tx, {
      topic,
      everyS: every_s ?? null,
      enabled: enabled ?? null,
    });
    if (updated === undefined) throw scheduleMissing(topic);
    return scheduleShown(updated);
  },
});
