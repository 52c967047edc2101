import { z } from "zod";
import { operation } from "#pipeline";
import { hasMembers, resourceMissing } from "../refusals.ts";
import { deleteResource, hasChildren, lockTree, readResource } from "../resources/queries.ts";
import { resource, resourceShown } from "../resources/shapes.ts";

export const resourceDelete = operation({
  name: "control-plane.resource.delete",
  summary: "Forgets a thing that nothing else is in; gives what was kept of it.",
  rest: "DELETE /v1/resources/{id}",
  kind: "write",
  input: z.strictObject({ id: z.uuid() }),
  output: resource,

  policy: { resource: { type: "Resource", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id }, principal }) {
    await lockTree(tx, principal.tenantId);
    const found = await readResource(tx, id);
    if (found === undefined) throw resourceMissing(id);
    if (await hasChildren(tx, id)) throw hasMembers(id);
    await deleteResource(tx, id);
    return resourceShown(found);
  },
  subject: ({ id }) => ({ type: "resource", id }),
});
