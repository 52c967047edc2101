import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readFindings } from "../drift/queries.ts";
import { driftFinding, findingShown } from "../drift/shapes.ts";

const findings = listOf(driftFinding, ({ id }) => id);

export const driftFindingList = operation({
  name: "authz.drift-finding.list",
  summary: "Where the project's decisions are unlike those of the days before, newest first.",
  rest: "GET /v1/drift/findings",
  kind: "read",
  input: z.strictObject({ ...page, kind: driftFinding.shape.kind.optional() }),
  output: findings.output,
  page: findings,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor, kind } }) {
    const before = readCursor(cursor, z.uuid());
    const rows = await readFindings(tx, { limit: limit + 1, before, kind });
    return findings.page(rows.map(findingShown), limit);
  },
});
