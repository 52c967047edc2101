import { z } from "zod";
import { enqueue, job, jobShown } from "#domains/ops";
import { timestamp } from "#kernel/clock.ts";
import { instant } from "#kernel/instant.ts";
import { operation } from "#pipeline";
import { type Asked, REPLAY } from "../replay/job.ts";

export const decisionReplayStart = operation({
  name: "authz.decision-replay.start",
  summary:
    "Decides the recorded questions of a window again, as a job, each by the engine and the policies that decided it; what differs is an incident.",
  rest: "POST /v1/decision-replays",
  kind: "write",
  status: 202,
  input: z.strictObject({
    since: instant.optional().describe("From the first decision on unless told"),
    until: instant.optional().describe("Up to now unless told"),
  }),
  output: job,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id, time_ms, tx, input, principal }) {
    const { since = null, until = timestamp(time_ms) } = input;
    const payload: Asked = { since, until };
    const started = await enqueue(tx, principal.tenantId, {
      topic: REPLAY,
      payload,
      orderingKey: REPLAY,
      decisionId: id,
      createdBy: `${principal.type}:${principal.id}`,
    });
    return jobShown(started);
  },
  subject: ({ id }) => ({ type: "job", id }),
});
