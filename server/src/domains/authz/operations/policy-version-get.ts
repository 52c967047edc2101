import { z } from "zod";
import type { Tx } from "#kernel/db.ts";
import { operation } from "#pipeline";
import { parseJson } from "#verifier";
import { formatText, policiesText } from "../cedar/policies.ts";
import { versionMissing } from "../refusals.ts";
import { readVersion, type SetVersion } from "../sets/queries.ts";
import { setName, versionNumber, wholeShown, wholeVersion } from "../sets/shapes.ts";

export const policyVersionGet = operation({
  name: "authz.policy-version.get",
  summary: "One version of a policy set, also as Cedar's text.",
  rest: "GET /v1/policies/{set}/versions/{number}",
  kind: "read",
  input: z.strictObject({
    set: setName,
    number: versionNumber,
    text: z
      .enum(["none", "source", "formatted"])
      .default("none")
      .describe("source: as it was written; drawn from the document when that came as JSON"),
  }),
  output: z.object({ ...wholeVersion.shape, text: z.string().nullable() }),

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  prepare: async ({ ports, principal: { tenantId }, input: { set, number, text } }) => {
    if (text === "none") return null;
    const load = (tx: Tx) => readVersion(tx, set, number);
    const found = await ports.db.transaction({ role: "reader", tenantId }, load);
    return found === undefined ? null : textOf(found, text);
  },
  async action({ tx, input: { set, number }, prepared }) {
    const found = await readVersion(tx, set, number);
    if (found === undefined) throw versionMissing(set, number);
    return { ...wholeShown(found), text: prepared as string | null };
  },
});

async function textOf({ source, document }: SetVersion, form: string): Promise<string> {
  if (source === null) return policiesText(parseJson(document));
  return form === "source" ? source : formatText(source);
}
