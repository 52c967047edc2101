import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readProjects } from "../queries.ts";
import { project, projectShown } from "../shapes.ts";

const projects = listOf(project, ({ id }) => id);

export const projectList = operation({
  name: "control-plane.project.list",
  summary: "Projects of the organization, newest first.",
  rest: "GET /v1/projects",
  kind: "read",
  scope: "organization",
  input: z.strictObject(page),
  output: projects.output,
  page: projects,

  policy: { resource: { type: "Organization", id: ({ principal }) => principal.organizationId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readProjects(tx, limit + 1, readCursor(cursor, z.uuid()));
    return projects.page(rows.map(projectShown), limit);
  },
});
