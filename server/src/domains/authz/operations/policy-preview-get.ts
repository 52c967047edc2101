import { z } from "zod";
import { operation } from "#pipeline";
import { parseJson } from "#verifier";
import { readPreview } from "../preview/queries.ts";
import { preview } from "../preview/shapes.ts";
import { previewMissing } from "../refusals.ts";
import { setName } from "../sets/shapes.ts";

export const policyPreviewGet = operation({
  name: "authz.policy-preview.get",
  summary: "What is kept of a preview: counts, and its examples by the ids of their decisions.",
  rest: "GET /v1/policies/{set}/previews/{id}",
  kind: "read",
  input: z.strictObject({ set: setName, id: z.uuid() }),
  output: preview,

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ tx, input: { set, id } }) {
    const found = await readPreview(tx, set, id);
    if (found === undefined) throw previewMissing(set, id);
    const { number, versionHash, base, report, reportHash, createdBy, createdAt } = found;
    return {
      id,
      set,
      number,
      hash: versionHash,
      base,
      report: parseJson(report),
      report_hash: reportHash,
      created_by: createdBy,
      created_at: createdAt.toISOString(),
    };
  },
});
