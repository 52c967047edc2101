import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readDecisions } from "../queries.ts";
import { decision, shown } from "../shapes.ts";

const decisions = listOf(decision, ({ id }) => id);

export const decisionList = operation({
  name: "authz.decision.list",
  summary: "The project's decisions, newest first.",
  rest: "GET /v1/decisions",
  kind: "read",
  input: z.strictObject({
    ...page,
    outcome: z.enum(["allow", "deny"]).optional(),
    action: z.string().max(200).optional(),
  }),
  output: decisions.output,
  page: decisions,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input }) {
    const { limit, cursor, outcome, action } = input;
    const rows = await readDecisions(tx, {
      limit: limit + 1,
      before: readCursor(cursor, z.uuid()),
      outcome,
      action,
    });
    return decisions.page(rows.map(shown), limit);
  },
});
