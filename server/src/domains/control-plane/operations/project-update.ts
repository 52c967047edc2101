import { z } from "zod";
import { operation } from "#pipeline";
import { readProject, updateScoreMax } from "../queries.ts";
import { projectMissing } from "../refusals.ts";
import { project, projectShown, scoreMax } from "../shapes.ts";

export const projectUpdate = operation({
  name: "control-plane.project.update",
  summary: "Sets the score above which the project's calls are refused.",
  rest: "PATCH /v1/projects/{id}",
  kind: "write",
  agents: "never",
  raisesRevision: true,
  input: z.strictObject({ id: z.uuid(), score_max: scoreMax }),
  output: project,

  policy: { resource: { type: "Project", id: ({ input }) => input.id } },
  score: "none",
  async current({ tx, input }) {
    const found = await readProject(tx, input.id, "lock");
    if (found === undefined) throw projectMissing(input.id);
    return projectShown(found);
  },
  async action({ tx, input }) {
    // Only its own: another project's row is not visible in this transaction, so there is nothing to update.
    const updated = await updateScoreMax(tx, input.id, input.score_max);
    if (updated === undefined) throw projectMissing(input.id);
    return projectShown(updated);
  },
  subject: ({ id }) => ({ type: "project", id }),
});
