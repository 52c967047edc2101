import { z } from "zod";
import { cursorOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readVersions } from "../queries.ts";
import { policyVersion, versionShown } from "../shapes.ts";

export const policyList = operation({
  name: "authz.policy.list",
  summary: "Every version of the project's policies, newest first.",
  rest: "GET /v1/policies/versions",
  kind: "read",
  input: z.strictObject(page),
  output: z.object({ items: z.array(policyVersion), next_cursor: z.string().nullable() }),

  policy: { resource: ({ principal }) => ({ type: "Project", id: principal.tenantId }) },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readVersions(tx, limit + 1, readCursor(cursor, z.int32().positive()));
    return {
      items: rows.slice(0, limit).map(versionShown),
      next_cursor: cursorOf(rows, limit, (row) => row.number),
    };
  },
});
