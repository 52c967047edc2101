import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { setMissing } from "../refusals.ts";
import { readVersions } from "../sets/queries.ts";
import { policyVersion, setName, versionShown } from "../sets/shapes.ts";

const versions = listOf(policyVersion, ({ number }) => number);

export const policyVersionList = operation({
  name: "authz.policy-version.list",
  summary: "Every version of a policy set, newest first.",
  rest: "GET /v1/policies/{set}/versions",
  kind: "read",
  input: z.strictObject({ set: setName, ...page }),
  output: versions.output,
  page: versions,

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ tx, input: { set, limit, cursor } }) {
    const rows = await readVersions(tx, set, limit + 1, readCursor(cursor, z.int32().positive()));
    if (rows.length === 0 && cursor === undefined) throw setMissing(set);
    return versions.page(rows.map(versionShown), limit);
  },
});
