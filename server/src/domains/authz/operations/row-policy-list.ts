import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { checked } from "../row-policies/check.ts";
import { readRowPolicies } from "../row-policies/queries.ts";
import { rowPolicy, rowPolicyShown } from "../row-policies/shapes.ts";

const rowPolicies = listOf(rowPolicy, ({ id }) => id);

export const rowPolicyList = operation({
  name: "authz.row-policy.list",
  summary: "Row policies as they were compiled last, beside what the database has, newest first.",
  rest: "GET /v1/row-policies",
  kind: "read",
  input: z.strictObject(page),
  output: rowPolicies.output,
  page: rowPolicies,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const before = readCursor(cursor, z.uuid());
    const stored = await readRowPolicies(tx, { limit: limit + 1, before });
    return rowPolicies.page((await checked(tx, stored)).map(rowPolicyShown), limit);
  },
});
