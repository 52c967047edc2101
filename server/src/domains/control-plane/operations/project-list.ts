import { z } from "zod";
import { cursorOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readProjects } from "../queries.ts";
import { project, projectShown } from "../shapes.ts";

export const projectList = operation({
  name: "control-plane.project.list",
  summary: "Projects of the organization, newest first.",
  rest: "GET /v1/projects",
  kind: "read",
  scope: "organization",
  input: z.strictObject(page),
  output: z.object({ items: z.array(project), next_cursor: z.string().nullable() }),

  policy: { resource: ({ principal }) => ({ type: "Organization", id: principal.organizationId }) },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readProjects(tx, limit + 1, readCursor(cursor, z.uuid()));
    return {
      items: rows.slice(0, limit).map(projectShown),
      next_cursor: cursorOf(rows, limit, (row) => row.id),
    };
  },
});
