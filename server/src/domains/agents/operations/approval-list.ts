import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readApprovals } from "../queries.ts";
import { approval, approvalShown } from "../shapes.ts";

const approvals = listOf(approval, ({ id }) => id);

export const approvalList = operation({
  name: "agents.approval.list",
  summary: "Calls that agents asked for and a person has to allow, newest first.",
  rest: "GET /v1/approvals",
  kind: "read",
  input: z.strictObject({ ...page, status: approval.shape.status.optional() }),
  output: approvals.output,
  page: approvals,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor, status } }) {
    const before = readCursor(cursor, z.uuid());
    const rows = await readApprovals(tx, { limit: limit + 1, before, status });
    return approvals.page(rows.map(approvalShown), limit);
  },
});
