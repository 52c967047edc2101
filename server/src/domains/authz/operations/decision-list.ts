import { z } from "zod";
import { cursorOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readDecisions } from "../queries.ts";
import { decision, shown } from "../shapes.ts";

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
  output: z.object({ items: z.array(decision), next_cursor: z.string().nullable() }),

  policy: { resource: ({ principal }) => ({ type: "Project", id: principal.tenantId }) },
  score: "none",
  async action({ tx, input }) {
    const { limit, cursor, outcome, action } = input;
    const rows = await readDecisions(tx, {
      limit: limit + 1,
      before: readCursor(cursor, z.uuid()),
      outcome,
      action,
    });
    return {
      items: rows.slice(0, limit).map(shown),
      next_cursor: cursorOf(rows, limit, (row) => row.id),
    };
  },
});
