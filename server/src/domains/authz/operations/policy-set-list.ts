import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readSets } from "../sets/queries.ts";

const sets = listOf(
  z.object({
    name: z.string(),
    tier: z.string(),
    active: z.int().nullable().describe("Number of the version that decides; null: none does"),
    versions: z.int(),
    created_at: z.iso.datetime(),
  }),
  ({ name }) => name,
);

export const policySetList = operation({
  name: "authz.policy-set.list",
  summary: "The project's policy sets, by name.",
  rest: "GET /v1/policies",
  kind: "read",
  input: z.strictObject(page),
  output: sets.output,
  page: sets,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readSets(tx, limit + 1, readCursor(cursor, z.string()));
    const shown = rows.map(({ createdAt, ...same }) => ({
      ...same,
      created_at: createdAt.toISOString(),
    }));
    return sets.page(shown, limit);
  },
});
