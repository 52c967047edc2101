import { z } from "zod";
import type { StoredDisagreement } from "./queries.ts";

const outcome = z.enum(["allow", "deny"]);

/** A decision that came out otherwise, as every face shows it. */
export const replayDisagreement = z
  .object({
    id: z.uuid(),
    job_id: z.uuid(),
    decision_id: z.uuid(),
    engine: z.string().describe("That decided, and decided again"),
    expected: z.object({ outcome, trace_hash: z.string() }).describe("As it was recorded"),
    found: z
      .object({ outcome, trace_hash: z.string() })
      .describe("As it is decided from what is kept"),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "ReplayDisagreement" });

export const disagreementShown = (row: StoredDisagreement): z.input<typeof replayDisagreement> => ({
  id: row.id,
  job_id: row.job_id,
  decision_id: row.decision_id,
  engine: row.engine,
  expected: { outcome: row.expected_outcome, trace_hash: row.expected_hash },
  found: { outcome: row.found_outcome, trace_hash: row.found_hash },
  created_at: row.created_at.toISOString(),
});
