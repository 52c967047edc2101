import { z } from "zod";
import { operation } from "#pipeline";
import type { Diagnostic } from "../cedar/diagnostics.ts";
import { readCandidate } from "../preview/load.ts";
import { emptyGroups } from "../sets/groups.ts";
import { markValidated, readVersion } from "../sets/queries.ts";
import {
  diagnostics,
  policyVersion,
  setName,
  versionNumber,
  versionShown,
} from "../sets/shapes.ts";
import { DEFAULT_SET, isValid, reread, validate } from "../sets/versions.ts";

export const policyVersionValidate = operation({
  name: "authz.policy-version.validate",
  summary:
    "Looks through a version strictly, under its schema; a draft without errors is validated then.",
  rest: "POST /v1/policies/{set}/versions/{number}/validate",
  kind: "write",
  input: z.strictObject({ set: setName, number: versionNumber }),
  output: z.object({ valid: z.boolean(), diagnostics, version: policyVersion }),

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  prepare: async ({ ports, principal: { tenantId }, input: { set, number } }) => {
    const { found, schema, groups } = await ports.db.transaction(
      { role: "reader", tenantId },
      async (tx) => ({ ...(await readCandidate(tx, set, number)), groups: await ports.groups(tx) }),
    );
    const policies = await reread(found);
    const findings = await validate(policies, schema);
    // Who is in which group, a set about one's own things is told by its questions.
    if (set !== DEFAULT_SET || !isValid(findings)) return findings;
    return [...findings, ...emptyGroups(policies, groups)];
  },
  async action({ tx, input: { set, number }, prepared }) {
    const findings = prepared as Diagnostic[];
    const valid = isValid(findings);
    // What it says has not changed since it was looked at: that never does.
    const found = (await readVersion(tx, set, number))!;
    if (valid && found.status === "draft") await markValidated(tx, found.id);
    const version = versionShown((await readVersion(tx, set, number))!);
    return { valid, diagnostics: findings, version };
  },
  subject: ({ version }) => ({ type: "policy_version", id: version.id }),
});
