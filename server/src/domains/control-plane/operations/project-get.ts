import { z } from "zod";
import { operation } from "#pipeline";
import { readProject } from "../queries.ts";
import { projectMissing } from "../refusals.ts";
import { project, projectShown } from "../shapes.ts";

export const projectGet = operation({
  name: "control-plane.project.get",
  summary: "One project: this key's own.",
  rest: "GET /v1/projects/{id}",
  kind: "read",
  input: z.strictObject({ id: z.uuid() }),
  output: project,

  policy: { resource: { type: "Project", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input }) {
    const found = await readProject(tx, input.id);
    if (found === undefined) throw projectMissing(input.id);
    return projectShown(found);
  },
});
