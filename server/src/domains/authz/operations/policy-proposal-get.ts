import { z } from "zod";
import { operation } from "#pipeline";
import { parseJson } from "#verifier";
import { policiesText } from "../cedar/policies.ts";
import { readProposal } from "../least/queries.ts";
import { evidenceShown, proposalShown, wholeProposal } from "../least/shapes.ts";
import { proposalMissing } from "../refusals.ts";
import { setName } from "../sets/shapes.ts";

export const policyProposalGet = operation({
  name: "authz.policy-proposal.get",
  summary: "One proposal of least privilege: its policies, what was used, and the proof.",
  rest: "GET /v1/policies/{set}/proposals/{id}",
  kind: "read",
  input: z.strictObject({ set: setName, id: z.uuid() }),
  output: wholeProposal,

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async prepare({ input: { set, id }, principal: { tenantId }, ports }) {
    const found = await ports.db.transaction({ role: "reader", tenantId }, (tx) =>
      readProposal(tx, set, id),
    );
    if (found === undefined) throw proposalMissing(set, id);
    const document = parseJson(found.document);
    return {
      ...proposalShown(found),
      text: await policiesText(document),
      document,
      evidence: evidenceShown(found.evidence),
      smt: found.smt,
    };
  },
  action: async ({ prepared }) => prepared as z.input<typeof wholeProposal>,
});
