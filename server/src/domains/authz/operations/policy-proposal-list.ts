import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readProposals } from "../least/queries.ts";
import { proposal, proposalShown } from "../least/shapes.ts";
import { setMissing } from "../refusals.ts";
import { readVersions } from "../sets/queries.ts";
import { setName } from "../sets/shapes.ts";

const proposals = listOf(proposal, ({ id }) => id);

export const policyProposalList = operation({
  name: "authz.policy-proposal.list",
  summary: "Proposals of least privilege for a set, newest first.",
  rest: "GET /v1/policies/{set}/proposals",
  kind: "read",
  input: z.strictObject({ ...page, set: setName }),
  output: proposals.output,
  page: proposals,

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ tx, input: { set, limit, cursor } }) {
    if ((await readVersions(tx, set, 1, undefined)).length === 0) throw setMissing(set);
    const rows = await readProposals(tx, set, limit + 1, readCursor(cursor, z.uuid()));
    return proposals.page(rows.map(proposalShown), limit);
  },
});
