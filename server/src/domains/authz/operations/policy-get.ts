import { z } from "zod";
import { operation } from "#pipeline";
import { noPolicies } from "../refusals.ts";
import { readActiveOf } from "../sets/queries.ts";
import { setName, wholeShown, wholeVersion } from "../sets/shapes.ts";
import { DEFAULT_SET } from "../sets/versions.ts";

export const policyGet = operation({
  name: "authz.policy.get",
  summary: "The policies of a set that decide now.",
  rest: "GET /v1/policies/{set}",
  kind: "read",
  input: z.strictObject({ set: setName.default(DEFAULT_SET) }),
  output: wholeVersion,

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ tx, input: { set } }) {
    const active = await readActiveOf(tx, set);
    if (active === undefined) throw noPolicies(set);
    return wholeShown(active);
  },
});
