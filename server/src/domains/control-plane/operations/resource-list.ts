import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readResources } from "../resources/queries.ts";
import { entityType, resource, resourceShown } from "../resources/shapes.ts";

const resources = listOf(resource, ({ id }) => id);

export const resourceList = operation({
  name: "control-plane.resource.list",
  summary: "Things that something is kept of, newest first.",
  rest: "GET /v1/resources",
  kind: "read",
  input: z.strictObject({ ...page, type: entityType.optional() }),
  output: resources.output,
  page: resources,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor, type } }) {
    const before = readCursor(cursor, z.uuid());
    const rows = await readResources(tx, { limit: limit + 1, before, type });
    return resources.page(rows.map(resourceShown), limit);
  },
});
