import { z } from "zod";
import { operation } from "#pipeline";
import { endSession } from "../queries.ts";
import { sessionMissing } from "../refusals.ts";
import { agentSession, agentSessionShown } from "../shapes.ts";

export const agentSessionEnd = operation({
  name: "agents.agent-session.end",
  summary: "Ends an agent session now, with what it has under way.",
  rest: "DELETE /v1/agent-sessions/{id}",
  kind: "write",
  raisesRevision: true,
  input: z.strictObject({ id: z.uuid() }),
  output: agentSession,

  policy: { resource: { type: "AgentSession", id: ({ input }) => input.id } },
  score: "none",
  async action({ tx, input: { id } }) {
    const ended = await endSession(tx, id);
    if (ended === undefined) throw sessionMissing(id);
    return agentSessionShown(ended);
  },
  subject: ({ id }) => ({ type: "agent_session", id }),
});
