import { z } from "zod";
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
  async action({ tx, input: { set, number, text } }) {
    const found = await readVersion(tx, set, number);
    if (found === undefined) throw versionMissing(set, number);
    return { ...wholeShown(found), text: await textOf(found, text) };
  },
});

async function textOf({ source, document }: SetVersion, form: string): Promise<string | null> {
  if (form === "none") return null;
  if (source === null) return policiesText(parseJson(document));
  return form === "source" ? source : formatText(source);
}
