import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readSessions } from "../queries.ts";
import { agentSession, agentSessionShown } from "../shapes.ts";

const sessions = listOf(agentSession, ({ id }) => id);

export const agentSessionList = operation({
  name: "agents.agent-session.list",
  summary: "The project's agent sessions with what is left of their budgets, newest first.",
  rest: "GET /v1/agent-sessions",
  kind: "read",
  input: z.strictObject(page),
  output: sessions.output,
  page: sessions,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readSessions(tx, limit + 1, readCursor(cursor, z.uuid()));
    return sessions.page(rows.map(agentSessionShown), limit);
  },
});
