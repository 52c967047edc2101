import { z } from "zod";
import { operation } from "#pipeline";
import { CHANNELS } from "../events.ts";
import { follow } from "../follow.ts";
import { OFFSET, parseOffset } from "../offset.ts";

const listed = (value: unknown): unknown => (typeof value === "string" ? value.split(",") : value);

export const eventWatch = operation({
  name: "feed.event.watch",
  summary: "What happens in the project, as it is published: what the caller may read, in order.",
  rest: "GET /v1/realtime",
  kind: "stream",
  input: z.strictObject({
    channels: z
      .preprocess(listed, z.array(z.enum(CHANNELS)).min(1))
      .optional()
      .describe("All of them unless told; in a query, joined by commas"),
    after: z
      .string()
      .regex(OFFSET, "an offset, such as 41.2")
      .optional()
      .describe("Offset of the last event that was seen; without one, from now on; 0.0: all")
      .meta({ examples: ["41.2"] }),
    events_max: z.coerce
      .number()
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe("End after so many"),
    seconds_max: z.coerce
      .number()
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .describe("End after this time"),
  }),
  output: z
    .object({
      offset: z.string().describe("To go on after this event"),
      channel: z
        .enum([...CHANNELS, "head"])
        .describe("head: how far the log is, at least every 10 s"),
      id: z.string().nullable(),
      time: z.iso.datetime(),
      data: z.json(),
    })
    .meta({ id: "Event" }),
  resume: { input: "after", offset: ({ offset }: { offset: string }) => offset },

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  stream(call) {
    const { channels, after, events_max, seconds_max } = call.input;
    const signal =
      seconds_max === undefined
        ? call.signal
        : AbortSignal.any([call.signal, AbortSignal.timeout(seconds_max * 1_000)]);
    return follow(
      call.ports,
      { ...call, signal },
      {
        after: after === undefined ? undefined : parseOffset(after),
        channels: new Set(channels ?? CHANNELS),
        eventsMax: events_max,
      },
    ) as AsyncIterable<never>;
  },
});
