import { z } from "zod";
import { operation } from "#pipeline";
import { readSet } from "../alias/queries.ts";
import { alias, maintainerSet, setShown } from "../alias/shapes.ts";
import { aliasMissing } from "../refusals.ts";

export const aliasMaintainersGet = operation({
  name: "registries.alias-maintainers.get",
  summary: "Who may vouch for an alias: its current set of maintainers, or an earlier one.",
  rest: "GET /v1/alias-maintainers",
  kind: "read",
  input: z.strictObject({
    alias,
    number: z.coerce
      .number()
      .int()
      .min(1)
      .max(2_147_483_647)
      .optional()
      .describe("The current one unless told"),
  }),
  output: maintainerSet,

  policy: { resource: { type: "Alias", id: ({ input }) => input.alias } },
  score: "none",
  async action({ tx, input }) {
    const set = await readSet(tx, input.alias, input.number);
    if (set === undefined) throw aliasMissing(input.alias);
    return setShown(set);
  },
});
