import { z } from "zod";
import { replayDecision } from "#domains/authz";
import { rate, readScores } from "#domains/risk";
import { operation } from "#pipeline";
import { readLineage } from "../queries.ts";
import { chainMissing } from "../refusals.ts";

const compared = (value: z.ZodType) => z.object({ recorded: value, replayed: value });

export const chainReplay = operation({
  name: "telemetry.chain.replay",
  summary: "Decides and scores a recorded call again, from what was kept with it, and compares.",
  rest: "POST /v1/decisions/{id}/replay",
  kind: "read",
  input: z.strictObject({ id: z.string().min(1).max(128) }),
  output: z.object({
    agrees: z.boolean(),
    calls: z.array(
      z.object({
        id: z.uuid(),
        agrees: z.boolean(),
        outcome: compared(z.string()),
        trace_hash: compared(z.string()),
        score: compared(z.number()).nullable(),
      }),
    ),
  }),

  policy: { resource: ({ input }) => ({ type: "Chain", id: input.id }) },
  score: "none",
  async action({ tx, input }) {
    const ids = (await readLineage(tx, input.id)).map(({ id }) => id);
    if (ids.length === 0) throw chainMissing(input.id);
    const scores = await readScores(tx, ids);
    const calls = [];
    for (const id of ids) {
      const decided = await replayDecision(tx, id);
      if (decided === undefined) throw chainMissing(id);
      const kept = scores.get(id);
      const score =
        kept === undefined
          ? null
          : { recorded: kept.value, replayed: rate(kept.model, kept.features).value };
      const agrees = decided.agrees && (score === null || score.recorded === score.replayed);
      calls.push({ id, agrees, outcome: decided.outcome, trace_hash: decided.trace_hash, score });
    }
    return { agrees: calls.every(({ agrees }) => agrees), calls };
  },
});
