import { z } from "zod";
import { operation } from "#pipeline";
import { quarantinedStays } from "../oracle/quarantine.ts";
import { openVersion } from "../policy.ts";
import { freshPreview } from "../preview/fresh.ts";
import { requestOf } from "../question.ts";
import { activeAlready, baseMoved, notValidated, noWayBack, versionMissing } from "../refusals.ts";
import { activateVersion, lockSet, readActiveOf, readVersion } from "../sets/queries.ts";
import { policyVersion, setName, versionNumber, versionShown } from "../sets/shapes.ts";
import { DEFAULT_SET } from "../sets/versions.ts";

export const policyVersionActivate = operation({
  name: "authz.policy-version.activate",
  summary:
    "Lets a validated version decide from now on, or a retired one again: that takes a change back.",
  rest: "POST /v1/policies/{set}/versions/{number}/activate",
  kind: "write",
  agents: "never",
  raisesRevision: true,
  input: z.strictObject({
    set: setName,
    number: versionNumber,
    base: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .optional()
      .describe("Number of the version that you saw active; that of the version unless told"),
    without_preview: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe("Why nobody looked at what it changes before; sealed"),
    without_way_back: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        "Why you let it decide though you could activate no other version afterwards; sealed",
      ),
  }),
  output: z.object({
    ...policyVersion.shape,
    preview_id: z
      .uuid()
      .nullable()
      .describe("That showed what it changes; null: nothing was active, or none was needed"),
  }),

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ tx, time_ms, input, principal, question }) {
    const { set, number, without_preview: reason, without_way_back: leaving } = input;
    const setId = await lockSet(tx, set);
    const found = setId === undefined ? undefined : await readVersion(tx, set, number);
    if (setId === undefined || found === undefined) throw versionMissing(set, number);
    const { status } = found;
    if (found.quarantinedAt !== null) throw quarantinedStays(set, number);
    if (status === "active") throw activeAlready(set, number);
    if (status !== "validated" && status !== "retired") throw notValidated(set, number, status);
    const active = (await readActiveOf(tx, set))?.number ?? null;
    // Who takes a change back means to undo what came after its base.
    const base = input.base ?? (status === "retired" ? null : found.base);
    if (base !== null && base !== (active ?? 0)) throw baseMoved(set, base, active ?? 0);
    // One that was edited since it was validated decides nothing.
    const { policies } = openVersion(found);
    if (set === DEFAULT_SET && leaving === undefined) {
      const again = policies.decide(requestOf(question));
      if (again.outcome === "deny") throw noWayBack(number, again);
    }
    const preview_id = reason === undefined ? await freshPreview(tx, found, active, time_ms) : null;
    await activateVersion(tx, principal.tenantId, setId, found.id);
    return { ...versionShown((await readVersion(tx, set, number))!), preview_id };
  },
  subject: ({ id }) => ({ type: "policy_version", id }),
});
