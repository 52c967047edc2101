import { z } from "zod";
import { enqueue, job, jobShown } from "#domains/ops";
import { timestamp } from "#kernel/clock.ts";
import { instant } from "#kernel/instant.ts";
import { operation } from "#pipeline";
import { type Asked, PROPOSE } from "../least/job.ts";
import { nothingActive } from "../refusals.ts";
import { readActiveOf } from "../sets/queries.ts";
import { setName } from "../sets/shapes.ts";

const DAY_MS = 86_400_000;
const DAYS = 30;

export const policyProposalStart = operation({
  name: "authz.policy-proposal.start",
  summary:
    "Narrows the permits of a set to what they were used for, as a job; proves that nothing new is permitted, and replays what was used.",
  rest: "POST /v1/policies/{set}/proposals",
  kind: "write",
  agents: "never",
  status: 202,
  input: z.strictObject({
    set: setName,
    since: instant.optional().describe(`The last ${DAYS} days unless told`),
    until: instant.optional(),
    ranges: z
      .boolean()
      .default(false)
      .describe("Also bind numbers and texts of the context to those that were seen"),
    groups: z.boolean().default(false).describe("Also bind principals to groups that they were in"),
    parents: z
      .boolean()
      .default(false)
      .describe("Also bind resources to what they were in, as questions told or the project keeps"),
  }),
  output: job,

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ id, time_ms, tx, input, principal }) {
    const {
      set,
      ranges,
      groups,
      parents,
      since = timestamp(time_ms - DAYS * DAY_MS),
      until = timestamp(time_ms),
    } = input;
    const active = await readActiveOf(tx, set);
    if (active === undefined) throw nothingActive(set);
    const createdBy = `${principal.type}:${principal.id}`;
    const { number: base } = active;
    const payload: Asked = { set, base, since, until, ranges, groups, parents, createdBy };
    const started = await enqueue(tx, principal.tenantId, {
      topic: PROPOSE,
      payload,
      orderingKey: PROPOSE,
      decisionId: id,
      createdBy,
    });
    return jobShown(started);
  },
  subject: ({ id }) => ({ type: "job", id }),
});
