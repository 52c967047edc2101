import { z } from "zod";
import { operation } from "#pipeline";
import { settleApproval } from "../queries.ts";
import { approvalNotWaiting } from "../refusals.ts";
import { approval, approvalShown } from "../shapes.ts";

export const approvalSettle = operation({
  name: "agents.approval.settle",
  summary: "Grants or refuses one call of an agent. Only people can.",
  rest: "POST /v1/approvals/{id}/settle",
  kind: "write",
  agents: "never",
  input: z.strictObject({
    id: z.uuid(),
    granted: z.boolean(),
    reason: z.string().max(1_000).optional(),
  }),
  output: approval,

  policy: {
    resource: { type: "Approval", id: ({ input }) => input.id },
    context: ["granted"],
  },
  score: "none",
  async action({ tx, input: { id, granted, reason = null }, principal }) {
    const by = `${principal.type}:${principal.id}`;
    const settled = await settleApproval(tx, { id, granted, by, reason });
    if (settled === undefined) throw approvalNotWaiting(id);
    return approvalShown(settled);
  },
  subject: ({ id }) => ({ type: "approval", id }),
});
