import { z } from "zod";
import { operation } from "#pipeline";
import { resourceMissing } from "../refusals.ts";
import { readResource } from "../resources/queries.ts";
import { resource, resourceShown } from "../resources/shapes.ts";

export const resourceGet = operation({
  name: "control-plane.resource.get",
  summary: "What is kept of one thing.",
  rest: "GET /v1/resources/{id}",
  kind: "read",
  input: z.strictObject({ id: z.uuid() }),
  output: resource,

  policy: { resource: { type: "Resource", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input }) {
    const found = await readResource(tx, input.id);
    if (found === undefined) throw resourceMissing(input.id);
    return resourceShown(found);
  },
});
