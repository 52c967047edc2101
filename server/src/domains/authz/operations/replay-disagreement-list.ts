import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readDisagreements } from "../replay/queries.ts";
import { disagreementShown, replayDisagreement } from "../replay/shapes.ts";

const disagreements = listOf(replayDisagreement, ({ id }) => id);

export const replayDisagreementList = operation({
  name: "authz.replay-disagreement.list",
  summary: "Decisions that came out otherwise when they were replayed, newest first.",
  rest: "GET /v1/decision-replays/disagreements",
  kind: "read",
  input: z.strictObject({
    ...page,
    job: z.uuid().optional().describe("That found them; any unless told"),
  }),
  output: disagreements.output,
  page: disagreements,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor, job } }) {
    const before = readCursor(cursor, z.uuid());
    const rows = await readDisagreements(tx, { limit: limit + 1, before, job });
    return disagreements.page(rows.map(disagreementShown), limit);
  },
});
