import { z } from "zod";
import { operation } from "#pipeline";
import { parseJson } from "#verifier";
import type { SchemaJson } from "../cedar/schemas.ts";
import { readProposal, type StoredProposal } from "../least/queries.ts";
import { readCandidate } from "../preview/load.ts";
import { baseMoved, proposalMissing } from "../refusals.ts";
import {
  insertVersion,
  lockSet,
  readActiveOf,
  readVersion,
  type SetVersion,
} from "../sets/queries.ts";
import { policyVersion, setName, versionShown } from "../sets/shapes.ts";
import { newVersion } from "../sets/versions.ts";

export const policyProposalAccept = operation({
  name: "authz.policy-proposal.accept",
  summary:
    "Makes a proposal of least privilege a draft of its set, to be validated, previewed and activated like any.",
  rest: "POST /v1/policies/{set}/proposals/{id}/accept",
  kind: "write",
  agents: "never",
  status: 201,
  input: z.strictObject({ set: setName, id: z.uuid() }),
  output: policyVersion,

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  prepare({ input: { set, id }, principal: { tenantId }, ports }) {
    return ports.db.transaction({ role: "reader", tenantId }, async (tx): Promise<Prepared> => {
      const proposal = await readProposal(tx, set, id);
      if (proposal === undefined) throw proposalMissing(set, id);
      return { proposal, ...(await readCandidate(tx, set, proposal.base)) };
    });
  },
  async action({ tx, input: { set }, principal, prepared }) {
    const { proposal, found, schema } = prepared as Prepared;
    const { base } = proposal;
    const setId = (await lockSet(tx, set))!;
    const now = (await readActiveOf(tx, set))?.number ?? 0;
    if (base !== now) throw baseMoved(set, base, now);
    const policies = { document: parseJson(proposal.document), source: null };
    const { number } = await insertVersion(
      tx,
      principal.tenantId,
      setId,
      newVersion(policies, schema, {
        ownSchema: found.ownSchema,
        base,
        createdBy: `${principal.type}:${principal.id}`,
      }),
    );
    return versionShown((await readVersion(tx, set, number))!);
  },
  subject: ({ id }) => ({ type: "policy_version", id }),
});

interface Prepared {
  readonly proposal: StoredProposal;
  readonly found: SetVersion;
  readonly schema: SchemaJson;
}
