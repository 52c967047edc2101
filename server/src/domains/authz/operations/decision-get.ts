import { z } from "zod";
import { operation } from "#pipeline";
import { readDecisionsById } from "../queries.ts";
import { decisionMissing } from "../refusals.ts";
import { decision, shown } from "../shapes.ts";

export const decisionGet = operation({
  name: "authz.decision.get",
  summary: "One decision.",
  rest: "GET /v1/decisions/{id}",
  kind: "read",
  input: z.strictObject({ id: z.uuid() }),
  output: decision,

  policy: { resource: { type: "Decision", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input }) {
    const found = (await readDecisionsById(tx, [input.id])).get(input.id);
    if (found === undefined) throw decisionMissing(input.id);
    return shown(found);
  },
});
