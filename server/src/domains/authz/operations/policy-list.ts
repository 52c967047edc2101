import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readVersions } from "../queries.ts";
import { policyVersion, versionShown } from "../shapes.ts";

const versions = listOf(policyVersion, ({ number }) => number);

export const policyList = operation({
  name: "authz.policy.list",
  summary: "Every version of the project's policies, newest first.",
  rest: "GET /v1/policies/versions",
  kind: "read",
  input: z.strictObject(page),
  output: versions.output,
  page: versions,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readVersions(tx, limit + 1, readCursor(cursor, z.int32().positive()));
    return versions.page(rows.map(versionShown), limit);
  },
});
