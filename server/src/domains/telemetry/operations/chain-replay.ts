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
    agrees: z
      .boolean()
      .describe("Every call that was not erased gives the answer that was recorded"),
    calls: z.array(
      z.object({
        id: z.uuid(),
        agrees: z
          .boolean()
          .nullable()
          .describe("Null: erased, or the engine is unknown, so nothing can be replayed"),
        engine_unknown: z
          .string()
          .nullable()
          .describe("The engine that decided, when it is not here any more"),
        erased_by: z.uuid().nullable().describe("The call that erased what was known of this one"),
        outcome: compared(z.string()).nullable(),
        trace_hash: compared(z.string()).nullable(),
        score: z
          .object({
            recorded: z.number(),
            replayed: z
              .number()
              .nullable()
              .describe("Null: what was scored cannot be read any more"),
          })
          .nullable(),
      }),
    ),
  }),

  policy: { resource: { type: "Chain", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input }) {
    const found = await readLineage(tx, input.id);
    if (found.length === 0) throw chainMissing(input.id);
    const scores = await readScores(
      tx,
      found.map(({ id }) => id),
    );
    const calls = [];
    for (const { id, erased_by } of found) {
      if (erased_by !== null) {
        calls.push({ ...ERASED, id, erased_by });
        continue;
      }
      const decided = await replayDecision(tx, id);
      if (decided === undefined) throw chainMissing(id);
      const kept = scores.get(id);
      const score =
        kept === undefined
          ? null
          : {
              recorded: kept.value,
              replayed: kept.features && rate(kept.model, kept.features).value,
            };
      const scoreAgrees = score === null || score.recorded === score.replayed;
      const { outcome, trace_hash } = decided;
      const agrees = scoreAgrees ? decided.agrees : false;
      const engine_unknown = decided.agrees === null ? decided.engine : null;
      calls.push({ id, agrees, engine_unknown, erased_by, outcome, trace_hash, score });
    }
    const hold = calls.every(({ agrees, erased_by }) => agrees === true || erased_by !== null);
    return { agrees: hold, calls };
  },
});

const ERASED = {
  agrees: null,
  engine_unknown: null,
  outcome: null,
  trace_hash: null,
  score: null,
} as const;
